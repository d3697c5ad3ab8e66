package example.host;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Turns a folder of jars into a class loader. Stateless. */
final class Jars {
  private Jars() {}

  /** Returns a class loader, to be closed, that asks its parent first and then the folder. */
  static URLClassLoader open(Path folder, ClassLoader parent) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      URL[] jars =
          files.filter(file -> file.toString().endsWith(".jar")).map(Jars::url).toArray(URL[]::new);
      return new URLClassLoader(folder.getFileName().toString(), jars, parent);
    }
  }

  private static URL url(Path file) {
    try {
      return file.toUri().toURL();
    } catch (MalformedURLException impossible) {
      throw new AssertionError(impossible);
    }
  }
}
