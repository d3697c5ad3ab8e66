package anabranch.flink.model;

import anabranch.engine.Engine;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.util.FlinkException;

/**
 * A share in the engine of a recipe. Any thread; closing twice is harmless.
 *
 * <p>All holders of one recipe in one class loader share one engine. It is opened by the first,
 * while the others wait, and closed with the last.
 */
@Internal
public final class EngineLease implements AutoCloseable {
  private static final String HOOK = "anabranch-engines";

  private final SharedEngine shared;
  private final ClassLoader holder;

  EngineLease(SharedEngine shared, ClassLoader holder) {
    this.shared = shared;
    this.holder = holder;
  }

  /**
   * Returns a share in the engine of a recipe, loading the model if nobody holds one yet.
   *
   * @param holder the class loader of the job that asks, for {@link #closeWith}
   * @throws FlinkException if the model cannot be loaded: everybody who waited for the load is
   *     told, and the next to ask tries again
   * @throws InterruptedException if interrupted while another thread loads
   */
  public static EngineLease take(ModelRecipe recipe, ClassLoader holder)
      throws FlinkException, InterruptedException {
    return SharedEngine.lease(recipe, holder);
  }

  /**
   * Has Flink close every share that is still open when it unloads the code of a job.
   *
   * @param context of a task of that job
   */
  public static void closeWith(RuntimeContext context) {
    ClassLoader holder = context.getUserCodeClassLoader();
    context.registerUserCodeClassLoaderReleaseHookIfAbsent(HOOK, () -> closeAll(holder));
  }

  /** Closes every share that was taken for a class loader and is still open. */
  static void closeAll(ClassLoader holder) {
    SharedEngine.closeAll(holder);
  }

  /** Returns the engine, open while this share is. */
  public Engine engine() {
    return shared.engine();
  }

  /** Returns how many batches the engine ran through some stage, for all holders together. */
  public long engineBatches() {
    return shared.batches();
  }

  /** Returns how many rows were in those batches. */
  public long engineRows() {
    return shared.rows();
  }

  /** Returns how many scores were not a number, for all holders together. */
  public long invalidScores() {
    return shared.invalidScores();
  }

  /** Lets nobody else share this engine: it did not answer in time. Those who hold it keep it. */
  public void abandon() {
    shared.abandon();
  }

  ClassLoader holder() {
    return holder;
  }

  /**
   * Gives the share back. The last one closes the engine and waits for that, but not for ever: a
   * model that hangs is closed when it returns, with a warning.
   */
  @Override
  public void close() {
    shared.release(this);
  }
}
