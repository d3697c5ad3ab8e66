package anabranch.flink.update;

import anabranch.engine.Policy;
import anabranch.error.DescriptionException;
import anabranch.flink.model.EngineLease;
import anabranch.flink.model.ModelRecipe;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.state.BroadcastState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.util.FlinkException;
import org.jspecify.annotations.Nullable;

/**
 * Which model a task serves, under which policy, and what comes with the next barrier. The state
 * has what is served, so that a task that recovers goes on with the same. A model that comes is
 * loaded beside the one that is there. Confined to the task's thread, but for loading.
 */
@Internal
public final class ServedModel {
  private static final String STATE = "anabranch-served-model";
  private static final String SERVED = "served";

  private final ModelRecipe own;
  private final @Nullable ModelRecipes recipes;
  private @Nullable BroadcastState<String, ModelUpdate> state;
  private @Nullable ModelUpdate served;
  private ModelRecipe recipe;
  private @Nullable Coming coming;

  /** What a barrier brings; {@code lease} is null if the model stays. */
  private record Coming(
      ModelUpdate update, ModelRecipe recipe, @Nullable CompletableFuture<EngineLease> lease) {
    void giveUp() {
      if (lease != null) {
        lease.thenAccept(EngineLease::close);
      }
    }
  }

  /**
   * Serves the model of a step until something else is said.
   *
   * @param recipes says what other versions are made of; null if there are none
   */
  public ServedModel(ModelRecipe own, @Nullable ModelRecipes recipes) {
    this.own = own;
    this.recipes = recipes;
    recipe = own;
  }

  /** Goes on with what was served when the state was written. */
  public void restore(OperatorStateStore store) throws Exception {
    BroadcastState<String, ModelUpdate> found =
        store.getBroadcastState(
            new MapStateDescriptor<>(
                STATE, StringSerializer.INSTANCE, ModelUpdateSerializer.INSTANCE));
    state = found;
    ModelUpdate last = found.get(SERVED);
    served = last;
    recipe = last == null ? own : recipe(last);
  }

  private ModelRecipe recipe(ModelUpdate update) throws FlinkException {
    String version = update.version();
    ModelRecipe found = own;
    try {
      if (version != null) {
        found = made(version);
      }
      if (update.policy() != null) {
        update.policy().checkAgainst(found.spec());
      }
      return found;
    } catch (DescriptionException unfit) {
      throw new FlinkException(text(update) + " does not fit: " + unfit.getMessage(), unfit);
    } catch (Exception missing) {
      throw new FlinkException(
          text(update) + " cannot be applied: " + missing.getMessage(), missing);
    }
  }

  private ModelRecipe made(String version) throws Exception {
    if (version.equals(own.version())) {
      return own;
    } else if (recipes == null) {
      throw new FlinkException("this step has no updates of its model");
    }
    return recipes.recipe(version).withVersion(version);
  }

  /**
   * Returns what a version of the model is loaded from, whether or not it is served.
   *
   * @param version empty for that of the step
   * @throws FlinkException if there is no such version
   */
  public ModelRecipe recipe(String version) throws FlinkException {
    try {
      return version.isEmpty() ? own : made(version);
    } catch (Exception missing) {
      throw new FlinkException(
          "model \"" + version + "\" is not there: " + missing.getMessage(), missing);
    }
  }

  private static String text(ModelUpdate update) {
    return "the update to "
        + (update.version() == null ? "" : "model \"" + update.version() + "\"")
        + (update.version() == null || update.policy() == null ? "" : " with ")
        + (update.policy() == null ? "" : "policy \"" + update.policy().version() + "\"");
  }

  /** Returns what the model that is served is loaded from. */
  public ModelRecipe recipe() {
    return recipe;
  }

  /** Returns the policy of items that have none of their own; null for that of the recipe. */
  public @Nullable Policy policy() {
    return served == null ? null : served.policy();
  }

  /**
   * Takes an update, for the next barrier; begins to load a model that is not the one served.
   *
   * @param holder the class loader of the job
   * @return what the model is loaded from that is served then
   * @throws FlinkException if it cannot be applied
   */
  public ModelRecipe take(ModelUpdate update, ClassLoader holder) throws FlinkException {
    Coming before = coming;
    ModelUpdate last = before == null ? served : before.update;
    ModelUpdate next = last == null ? update : last.then(update);
    ModelRecipe wanted = recipe(next);
    CompletableFuture<EngineLease> lease = null;
    if (before != null && before.recipe.version().equals(wanted.version())) {
      lease = before.lease;
    } else {
      if (before != null) {
        before.giveUp();
      }
      if (!wanted.version().equals(recipe.version())) {
        lease = load(wanted, holder);
      }
    }
    coming = new Coming(next, wanted, lease);
    return wanted;
  }

  private static CompletableFuture<EngineLease> load(ModelRecipe wanted, ClassLoader holder) {
    CompletableFuture<EngineLease> lease = new CompletableFuture<>();
    Thread loader =
        new Thread(
            () -> {
              try {
                lease.complete(EngineLease.take(wanted, holder));
              } catch (Throwable failure) {
                lease.completeExceptionally(failure);
              }
            },
            "anabranch-load-" + wanted.version());
    loader.setDaemon(true);
    loader.setContextClassLoader(ServedModel.class.getClassLoader());
    loader.start();
    return lease;
  }

  /**
   * Serves what came since the last barrier; nothing may be in flight.
   *
   * @return a share in the engine of another model; null if the model stays
   * @throws FlinkException if the model could not be loaded
   */
  public @Nullable EngineLease pass() throws Exception {
    Coming next = coming;
    if (next == null) {
      return null;
    }
    EngineLease lease = null;
    try {
      lease = next.lease == null ? null : next.lease.get();
    } catch (ExecutionException failed) {
      throw new FlinkException(
          text(next.update) + " cannot be applied: " + failed.getCause().getMessage(),
          failed.getCause());
    }
    coming = null;
    served = next.update;
    recipe = next.recipe;
    if (state != null) {
      state.put(SERVED, next.update);
    }
    return lease;
  }

  /** Gives up what was to come. */
  public void close() {
    if (coming != null) {
      coming.giveUp();
      coming = null;
    }
  }
}
