package anabranch.flink.update;

import anabranch.flink.model.ModelRecipe;
import java.io.Serializable;
import org.apache.flink.annotation.PublicEvolving;

/**
 * Says what a version of a model is made of, where tasks run.
 *
 * <p>What a version means must not change while a job, or a savepoint of it, may use it: a job that
 * recovers asks again. Called on the task's thread.
 */
@PublicEvolving
@FunctionalInterface
public interface ModelRecipes extends Serializable {
  /**
   * Returns the recipe of a version; the task gives it that version.
   *
   * @throws Exception any, if there is no such version: it fails the task
   */
  ModelRecipe recipe(String version) throws Exception;
}
