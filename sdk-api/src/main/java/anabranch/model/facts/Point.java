package anabranch.model.facts;

import anabranch.model.Exit;
import anabranch.model.Head;

/** What is decided behind a stage. */
public sealed interface Point {
  /** Returns the head that answers for the units that leave here. */
  Head head();

  /** Returns the path of the head's parameters, such as {@code "exits.early"}. */
  String path();

  /**
   * Units may leave here.
   *
   * @param exit the exit of the plan
   */
  record AtExit(Exit exit) implements Point {
    @Override
    public Head head() {
      return exit.head();
    }

    @Override
    public String path() {
      return "exits." + exit.id();
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
  }
}
