package example.host;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;

/**
 * A scoring function in a class loader of its own. Thread-safe. Closing waits for the lines that
 * are being scored, then closes the function and its class loader.
 */
final class Plugin implements AutoCloseable {
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final LongAdder scored = new LongAdder();
  private final URLClassLoader loader;
  private final Function<String, Score> function;
  private boolean closed;

  private Plugin(URLClassLoader loader, Function<String, Score> function) {
    this.loader = loader;
    this.function = function;
  }

  /**
   * Loads the plugin in a folder: the one function that its jars offer as a service.
   *
   * @param parent holds what all plugins share
   */
  static Plugin open(Path folder, ClassLoader parent) throws IOException {
    URLClassLoader loader = Jars.open(folder, parent);
    try {
      return new Plugin(loader, function(loader));
    } catch (RuntimeException | Error failed) {
      loader.close();
      throw failed;
    }
  }

  @SuppressWarnings("unchecked") // What a plugin is, by agreement.
  private static Function<String, Score> function(ClassLoader loader) {
    return ServiceLoader.load(Function.class, loader).findFirst().orElseThrow();
  }

  /** Scores a line; empty if this plugin is closed. */
  Optional<Score> score(String line) {
    lock.readLock().lock();
    try {
      if (closed) {
        return Optional.empty();
      }
      Score score = function.apply(line);
      scored.increment();
      return Optional.of(score);
    } finally {
      lock.readLock().unlock();
    }
  }

  /** Returns how many lines this plugin scored. */
  long scored() {
    return scored.sum();
  }

  /** Returns a reference that is empty when the class loader was collected. */
  WeakReference<ClassLoader> loader() {
    return new WeakReference<>(loader);
  }

  @Override
  public void close() throws Exception {
    lock.writeLock().lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      if (function instanceof AutoCloseable closeable) {
        closeable.close();
      }
    } finally {
      lock.writeLock().unlock();
      loader.close();
    }
  }
}
