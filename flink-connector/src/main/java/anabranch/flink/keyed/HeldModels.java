package anabranch.flink.keyed;

import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.Share;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.util.function.FunctionWithException;
import org.apache.flink.util.function.RunnableWithException;
import org.apache.flink.util.function.ThrowingConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The models of one subtask: the one that is served, under which sequences begin, and as many as
 * are allowed of those under which earlier ones began. One of these is given back at a barrier if
 * no record had it since the barrier before, or when another one needs its place; it is loaded
 * again when a record needs it. Confined to the task's thread.
 */
final class HeldModels {
  private final int most;
  private final Duration timeout;
  private final FunctionWithException<ModelRecipe, Share, Exception> loader;
  private final ThrowingConsumer<HeldModel, Exception> leaver;
  private final RunnableWithException pause;
  private HeldModel served;

  /** Least recently used first, by version. */
  private final Map<String, HeldModel> earlier = new LinkedHashMap<>();

  /**
   * Creates the models of a subtask.
   *
   * @param most how many may be held, at least 2
   * @param loader loads a model, while the task waits
   * @param leaver closes the sequences of a model of which none runs, and gives it back
   * @param pause lets records be answered
   */
  HeldModels(
      Share served,
      int most,
      Duration timeout,
      FunctionWithException<ModelRecipe, Share, Exception> loader,
      ThrowingConsumer<HeldModel, Exception> leaver,
      RunnableWithException pause) {
    this.served = new HeldModel(served, timeout);
    this.most = most;
    this.timeout = timeout;
    this.loader = loader;
    this.leaver = leaver;
    this.pause = pause;
  }

  /** Returns the model under which sequences begin. */
  HeldModel served() {
    return served;
  }

  /** Returns all that are held. */
  List<HeldModel> all() {
    List<HeldModel> all = new ArrayList<>(earlier.values());
    all.add(served);
    return all;
  }

  /** Returns the model of a version; null if it is not held. */
  @Nullable HeldModel held(String version) {
    if (version.equals(served.version())) {
      return served;
    }
    HeldModel model = earlier.remove(version);
    if (model != null) {
      model.needed = true;
      earlier.put(version, model);
    }
    return model;
  }

  /** Loads a model that is not held, in the place of another one if there are too many. */
  HeldModel load(ModelRecipe recipe) throws Exception {
    makeRoom();
    HeldModel model = new HeldModel(loader.apply(recipe), timeout);
    earlier.put(model.version(), model);
    return model;
  }

  /** Waits for records to be answered where all models that could go have some that run. */
  private void makeRoom() throws Exception {
    while (earlier.size() + 1 >= most) {
      HeldModel idle =
          earlier.values().stream().filter(model -> model.running == 0).findFirst().orElse(null);
      if (idle == null) {
        pause.run();
      } else {
        leave(idle);
      }
    }
  }

  /** Begins sequences under another model from now on; nothing runs. */
  void serve(Share next) throws Exception {
    HeldModel before = served;
    HeldModel same = earlier.get(next.recipe().version());
    if (same != null) {
      leave(same);
    }
    makeRoom();
    served = new HeldModel(next, timeout);
    before.needed = true;
    earlier.put(before.version(), before);
  }

  /** Gives back what no record had since the last barrier; nothing runs. */
  void rest() throws Exception {
    for (HeldModel model : List.copyOf(earlier.values())) {
      if (!model.needed) {
        leave(model);
      }
      model.needed = false;
    }
  }

  private void leave(HeldModel model) throws Exception {
    leaver.accept(model);
    earlier.remove(model.version());
  }
}
