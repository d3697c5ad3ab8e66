package anabranch.onnx.session;

import java.io.ObjectStreamClass;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.List;
import java.util.concurrent.Callable;

/** A program that lets a plugin load the first model of the JVM, and waits until it is gone. */
public final class StartedByPlugin {
  private StartedByPlugin() {}

  /** Says that the plugin is gone; exits with 1 if it stays for 20 seconds. */
  public static void main(String[] arguments) throws Exception {
    WeakReference<ClassLoader> plugin = loadModel();
    long end = System.nanoTime() + 20_000_000_000L;
    while (plugin.get() != null) {
      if (System.nanoTime() > end) {
        System.out.println("the plugin is still there");
        System.exit(1);
      }
      System.gc();
      ObjectStreamClass.lookup(String.class);
      Thread.sleep(20);
    }
    System.out.println("the plugin is gone");
  }

  private static WeakReference<ClassLoader> loadModel() throws Exception {
    try (PluginLoader loader = new PluginLoader()) {
      Class<?> defined = loader.loadClass(SecondCopy.class.getName());
      List<?> notes = (List<?>) ((Callable<?>) defined.getConstructor().newInstance()).call();
      if (defined == SecondCopy.class || !notes.isEmpty()) {
        throw new AssertionError(notes);
      }
      return new WeakReference<>(loader);
    }
  }

  /** Defines one class of its own; everything else is shared. */
  private static final class PluginLoader extends URLClassLoader {
    PluginLoader() {
      super(
          new URL[] {SecondCopy.class.getProtectionDomain().getCodeSource().getLocation()},
          SecondCopy.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      synchronized (getClassLoadingLock(name)) {
        if (name.equals(SecondCopy.class.getName())) {
          Class<?> loaded = findLoadedClass(name);
          return loaded == null ? findClass(name) : loaded;
        }
        return super.loadClass(name, resolve);
      }
    }
  }
}
