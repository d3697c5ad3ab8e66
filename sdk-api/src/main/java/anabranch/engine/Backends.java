package anabranch.engine;

import anabranch.backend.Backend;
import anabranch.error.DescriptionException;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;

/** Finds backends by name among those on the class path. Stateless. */
public final class Backends {
  private Backends() {}

  /**
   * Returns the backend of that name: looked for with the class loader of the SDK, then with the
   * thread's context class loader.
   *
   * @throws DescriptionException naming the backends that exist
   */
  public static Backend named(String name) {
    Map<String, Backend> found = new TreeMap<>();
    ClassLoader own = Backend.class.getClassLoader();
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    collect(own, found);
    if (context != own) {
      collect(context, found);
    }
    Backend backend = found.get(name);
    if (backend == null) {
      throw new DescriptionException(
          "backend \"" + name + "\" is not on the class path; there are " + found.keySet());
    }
    return backend;
  }

  private static void collect(ClassLoader loader, Map<String, Backend> found) {
    for (Backend backend : ServiceLoader.load(Backend.class, loader)) {
      found.putIfAbsent(backend.name(), backend);
    }
  }
}
