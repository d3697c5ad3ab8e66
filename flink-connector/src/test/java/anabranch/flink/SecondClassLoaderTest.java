package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;

import anabranch.backend.Event;
import anabranch.conformance.reference.ReferenceBackend;
import anabranch.engine.Engine;
import anabranch.engine.Item;
import anabranch.flink.model.EngineLease;
import java.io.ObjectStreamClass;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SecondClassLoaderTest {
  @Test
  void aJobStartsAgainInAnotherClassLoaderAndLeavesNothingBehind() throws Exception {
    Script script = new Script();
    try (EngineLease mine = EngineLease.take(script.recipe(), getClass().getClassLoader())) {
      WeakReference<ClassLoader> first = runOnce();
      WeakReference<ClassLoader> second = runOnce();
      assertEquals(5f, mine.engine().infer(Item.of("mine", Event.ofTokens(2, 3))).logits(0).get(0));
      Bench.await(
          () -> {
            System.gc();
            forgetSerializedClasses();
            return first.get() == null && second.get() == null;
          });
    }
  }

  /** The JDK's cache of serialized classes drops the collected ones only when it is next asked. */
  private static void forgetSerializedClasses() {
    ObjectStreamClass.lookup(String.class);
  }

  private static WeakReference<ClassLoader> runOnce() throws Exception {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    try (JobLoader loader = new JobLoader()) {
      thread.setContextClassLoader(loader);
      Class<?> job = loader.loadClass(SecondJob.class.getName());
      assertNotSame(SecondJob.class, job);
      assertEquals(
          List.of("[40, 2] 42@1", "[1, 2] 3@1"),
          ((Callable<?>) job.getConstructor().newInstance()).call());
      return new WeakReference<>(loader);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  /** Defines what belongs to the job itself, as a session cluster does for each job. */
  private static final class JobLoader extends URLClassLoader {
    JobLoader() {
      super(
          Stream.of(SecondJob.class, EngineLease.class, Engine.class, ReferenceBackend.class)
              .map(JobLoader::home)
              .distinct()
              .toArray(URL[]::new),
          SecondClassLoaderTest.class.getClassLoader());
    }

    private static URL home(Class<?> type) {
      return type.getProtectionDomain().getCodeSource().getLocation();
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      synchronized (getClassLoadingLock(name)) {
        if (name.startsWith("anabranch.")) {
          Class<?> loaded = findLoadedClass(name);
          return loaded == null ? findClass(name) : loaded;
        }
        return super.loadClass(name, resolve);
      }
    }
  }
}
