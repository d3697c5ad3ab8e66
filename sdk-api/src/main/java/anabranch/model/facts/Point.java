package anabranch.model.facts;

import anabranch.model.layer.Norm;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Prune;
import org.jspecify.annotations.Nullable;

/** What is decided behind a stage. */
public sealed interface Point {
  /** Returns the head that answers for the units that leave here; null where none does. */
  @Nullable Head head();

  /** Returns the path of the point's parameters, such as {@code "exits.early"}. */
  String path();

  /** Returns which rows are read, and so whether a unit is a row or all rows of a span. */
  Head.Pool pool();

  /** Returns the number that a unit is asked for; null for none. */
  Criterion.@Nullable Score score();

  /** Returns whether units are asked for labels. */
  default boolean labels() {
    return score() == Criterion.Score.PATIENCE;
  }

  /**
   * Units may leave here.
   *
   * @param exit the exit of the plan
   * @param path of its parameters
   */
  record AtExit(Exit exit, String path) implements Point {
    @Override
    public @Nullable Head head() {
      return exit.head();
    }

    /** The pool of the head; in encoders, where there is none, the mean. */
    @Override
    public Head.Pool pool() {
      return exit.head() == null ? Head.Pool.MEAN : exit.head().pool();
    }

    @Override
    public Criterion.Score score() {
      return exit.criterion().score();
    }
  }

  /**
   * Units may go on behind a loop here.
   *
   * @param halt what lets them out
   * @param path of its parameters
   */
  record AtHalt(Loop.Halt halt, String path) implements Point {
    @Override
    public @Nullable Head head() {
      return null;
    }

    @Override
    public Head.Pool pool() {
      return halt.pool();
    }

    @Override
    public Criterion.Score score() {
      return halt.criterion().score();
    }
  }

  /**
   * Units are told here where to leave: their label is the number of the exit among those that obey
   * the choice, or of the end, which is the last.
   *
   * @param choice the choice of the plan
   * @param path of its parameters
   * @param depths how many labels there are
   */
  record AtChoice(DepthChoice choice, String path, int depths) implements Point {
    @Override
    public @Nullable Head head() {
      return null;
    }

    @Override
    public Head.Pool pool() {
      return choice.pool();
    }

    /** The largest probability among the depths. */
    @Override
    public Criterion.Score score() {
      return Criterion.Score.CONFIDENCE;
    }

    @Override
    public boolean labels() {
      return true;
    }
  }

  /**
   * Rows may be dropped here.
   *
   * @param prune the prune of the plan
   * @param path of its parameters
   */
  record AtPrune(Prune prune, String path) implements Point {
    @Override
    public @Nullable Head head() {
      return null;
    }

    @Override
    public Head.Pool pool() {
      return Head.Pool.EACH;
    }

    @Override
    public Criterion.Score score() {
      return prune.score();
    }
  }

  /** Nobody decides here: a loop begins, which must be a stage of its own. */
  record Passage() implements Point {
    @Override
    public @Nullable Head head() {
      return null;
    }

    @Override
    public String path() {
      return "";
    }

    @Override
    public Head.Pool pool() {
      return Head.Pool.EACH;
    }

    @Override
    public Criterion.@Nullable Score score() {
      return null;
    }
  }

  /**
   * The rows become memory here; nobody asks for a score.
   *
   * @param norm what is applied to them when they do, wherever they left; null for none
   */
  record Memory(@Nullable Norm norm) implements Point {
    @Override
    public @Nullable Head head() {
      return null;
    }

    @Override
    public String path() {
      return "encoder";
    }

    @Override
    public Head.Pool pool() {
      return Head.Pool.MEAN;
    }

    @Override
    public Criterion.@Nullable Score score() {
      return null;
    }
  }

  /**
   * Every unit leaves here.
   *
   * @param head the model's final head
   */
  record End(Head head) implements Point {
    @Override
    public String path() {
      return "head";
    }

    @Override
    public Head.Pool pool() {
      return head.pool();
    }

    @Override
    public Criterion.@Nullable Score score() {
      return null;
    }
  }
}
