package anabranch.model.route;

import anabranch.error.Bounds;

/**
 * How a mixture picks experts for each row, as eight steps; see the package for what each computes.
 *
 * @param source step 0
 * @param logits step 1
 * @param score step 2
 * @param preference step 3
 * @param selection step 4
 * @param gate step 5
 * @param capacity step 6
 * @param placement step 7
 */
public record Router(
    Source source,
    Logits logits,
    Score score,
    Preference preference,
    Selection selection,
    Gate gate,
    Capacity capacity,
    Placement placement) {
  /** Checks that the steps go together. */
  public Router {
    boolean fits =
        logits instanceof Logits.Conditioned
            ? source == Source.CONDITION
            : logits.ofVectors()
                ? logits.carried() ? source == Source.HIDDEN : source.readsHidden()
                : logits instanceof Logits.Random ? source.readsKey() : source == Source.TOKEN_ID;
    Bounds.require(fits, () -> "router.source " + source + " does not go with logits " + logits);
    boolean topK = selection instanceof Selection.TopK;
    Bounds.require(
        topK || capacity instanceof Capacity.Unlimited,
        () -> "router.capacity " + capacity + " needs a top-k selection, not " + selection);
    Bounds.require(
        topK || !gate.of().ofOthers(),
        () -> "router.gate " + gate.of() + " needs a top-k selection, not " + selection);
    Bounds.require(
        gate.of() != Gate.Of.SOFTMAX_OF_NEAR
            || selection instanceof Selection.TopK top && top.secondary() == null,
        () -> "router.gate SOFTMAX_OF_NEAR does not go with selection " + selection);
    Bounds.require(
        topK || gate.normalise() == null,
        () -> "router.gate.normalise needs a top-k selection, not " + selection);
    Bounds.require(
        topK || preference.groups() == null,
        () -> "router.groups need a top-k selection, not " + selection);
    Integer always = preference.always();
    if (always != null) {
      Bounds.require(
          selection instanceof Selection.TopK top && top.secondary() == null,
          () -> "router.always " + always + " does not go with selection " + selection);
      Bounds.within("router.always", always, 1, selection.most(always));
    }
    Bounds.require(
        !(selection instanceof Selection.ExpertChoice) || source == Source.HIDDEN,
        () -> "router.source " + source + " does not go with selection " + selection);
    Gate.Normalise normalise = gate.normalise();
    Bounds.require(
        normalise == null || !normalise.afterDrop() || capacity instanceof Capacity.Limited,
        "router.normalise.afterDrop needs a limited capacity");
  }

  /**
   * Checks this router against a number of experts.
   *
   * @throws anabranch.error.DescriptionException naming the step that does not fit
   */
  public void checkAgainst(int experts) {
    Bounds.within("router.k", selection.most(experts), 1, experts);
    if (selection instanceof Selection.Prefix prefix) {
      Bounds.within("router.prefix.least", prefix.least(), 0, experts);
    }
    Preference.Groups groups = preference.groups();
    if (groups != null) {
      Bounds.require(
          experts % groups.count() == 0,
          "router.groups.count " + groups.count() + " does not divide experts " + experts);
      int each = experts / groups.count();
      Bounds.within("router.groups.best", groups.best(), 1, each);
      int k = selection.most(experts);
      Bounds.require(
          k <= groups.keep() * each,
          "router.k " + k + " is not in 1.." + groups.keep() * each + " kept experts");
    }
  }

  /**
   * Returns the router of a learned matrix without bias that reads each row, ranks by the score,
   * weighs by the score and drops nothing: what others differ from in a step or two.
   */
  public static Router linear(Score score, Selection selection) {
    return new Router(
        Source.HIDDEN,
        new Logits.Linear(false),
        score,
        Preference.byScore(),
        selection,
        Gate.score(),
        new Capacity.Unlimited(),
        Placement.OUTPUT);
  }

  /** Returns this router with other steps 0 and 1, which go together. */
  public Router with(Source other, Logits from) {
    return new Router(other, from, score, preference, selection, gate, capacity, placement);
  }

  /** Returns this router with another step 3. */
  public Router with(Preference other) {
    return new Router(source, logits, score, other, selection, gate, capacity, placement);
  }

  /** Returns this router with another step 4. */
  public Router with(Selection other) {
    return new Router(source, logits, score, preference, other, gate, capacity, placement);
  }

  /** Returns this router with another step 5. */
  public Router with(Gate other) {
    return new Router(source, logits, score, preference, selection, other, capacity, placement);
  }

  /** Returns this router with another step 6. */
  public Router with(Capacity other) {
    return new Router(source, logits, score, preference, selection, gate, other, placement);
  }

  /** Returns this router with another step 7. */
  public Router with(Placement other) {
    return new Router(source, logits, score, preference, selection, gate, capacity, other);
  }

  /** Returns how many logits decide about so many experts. */
  public int logitsFor(int experts) {
    return selection instanceof Selection.Prefix ? experts + 1 : experts;
  }

  /** Returns whether a matrix of the weights makes the logits. */
  public boolean hasWeight() {
    return logits.haveWeight();
  }

  /** Returns whether the logits add a bias. */
  public boolean hasBias() {
    return logits instanceof Logits.Linear linear && linear.bias()
        || logits instanceof Logits.Network network && network.bias()
        || logits instanceof Logits.Accumulated sum && sum.bias()
        || logits instanceof Logits.Conditioned conditioned && conditioned.bias();
  }

  /** Returns whether step 3 adds a learned vector. */
  public boolean hasCorrection() {
    return preference.correction();
  }

  /** Returns whether rows must have token ids. */
  public boolean needsTokenIds() {
    return source == Source.TOKEN_ID;
  }

  /** Returns whether items must have keys. */
  public boolean needsKeys() {
    return source.readsKey()
        || selection instanceof Selection.TopK top
            && top.secondary() != null
            && top.secondary().seed() != null;
  }

  /** Returns how many numbers the condition of an event must have; 0 where none is read. */
  public int condition() {
    return logits instanceof Logits.Conditioned conditioned ? conditioned.numbers() : 0;
  }

  /** Returns whether all rows of an event are needed before any of them is decided. */
  public boolean needsWholeEvent() {
    return source == Source.EVENT_MEAN
        || source == Source.PROMPT_MEAN
        || selection instanceof Selection.ExpertChoice
        || capacity instanceof Capacity.Limited;
  }

  /** Returns whether a row's decision can depend on later rows of its event. */
  public boolean readsLaterRows() {
    return needsWholeEvent() && !source.ofSequence();
  }

  /** Returns whether a row's decision can depend on other items of the batch. */
  public boolean readsTheBatch() {
    return capacity instanceof Capacity.Limited limited
        && limited.population() == Capacity.Population.DISPATCH;
  }
}
