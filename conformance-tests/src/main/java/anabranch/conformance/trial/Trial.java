package anabranch.conformance.trial;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.conformance.reference.Oracle;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.ModelSpace;
import anabranch.conformance.space.Sequence;
import anabranch.engine.Policy;
import anabranch.error.Unsupported;
import anabranch.json.Descriptions;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Dependence;
import anabranch.model.facts.Requirements;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** A case loaded by the backend under test, beside the oracle. Confined to one thread. */
public final class Trial implements AutoCloseable {
  /** What runs. */
  public final Case subject;

  /** What should come out. */
  public final Oracle oracle;

  /** What runs it. */
  public final LoadedModel model;

  /** Compares the two. */
  public final Judge judge;

  private final Tolerance tolerance;

  /** What is done with a loaded case. */
  public interface Body {
    /** Checks one case. */
    void check(Trial trial) throws Exception;
  }

  private Trial(Subject kit, Case subject) {
    this.subject = subject;
    oracle = new Oracle(subject.spec(), subject.weights());
    ModelSpec travelled = Descriptions.model(Descriptions.text(subject.spec()));
    model =
        kit.backend().load(travelled, subject.weights(), accepting(kit.options(), subject.spec()));
    Numerics numerics = model.numerics();
    tolerance = kit.tolerance(numerics);
    judge =
        new Judge(subject, oracle, tolerance, seed -> kit.moved(subject.weights(), numerics, seed));
  }

  /** Returns the options under which the kit loads a description: it accepts what it asks for. */
  public static LoadOptions accepting(LoadOptions options, ModelSpec spec) {
    List<String> later = Requirements.of(spec).readsLaterRows();
    LoadOptions accepted = options.accepting(later.toArray(String[]::new));
    Dependence needed = Dependence.of(spec);
    return needed == Dependence.BATCH ? accepted.withLimit(needed) : accepted;
  }

  /** Checks the random cases, or the one whose seed is asked for. */
  public static void forEach(Subject kit, Body body) {
    String asked = System.getProperty("anabranch.conformance.seed");
    if (asked != null) {
      run(kit, ModelSpace.draw(Long.parseLong(asked)), body);
      return;
    }
    int done = 0;
    for (long seed = 0; seed < kit.cases(); seed++) {
      done += run(kit, ModelSpace.draw(seed), body) ? 1 : 0;
    }
    assertTrue(2 * done >= kit.cases(), "the declared limits leave " + done + " cases only");
  }

  /** Checks one case that every backend should run; skips it, saying why, where it may not. */
  public static void of(Subject kit, Case subject, Body body) {
    Assumptions.assumeTrue(run(kit, subject, body), "the declared limits refuse " + subject.name());
  }

  /** Returns whether the backend runs a description; fails if it refuses beyond its limits. */
  public static boolean accepts(Subject kit, String name, ModelSpec spec) {
    List<Unsupported> refused = kit.backend().check(spec, accepting(kit.options(), spec));
    List<Unsupported> undeclared =
        refused.stream().filter(part -> !kit.limits().contains(part.field())).toList();
    if (!undeclared.isEmpty()) {
      fail(name + ": refused beyond the declared limits " + kit.limits() + ": " + undeclared);
    }
    return refused.isEmpty();
  }

  private static boolean run(Subject kit, Case subject, Body body) {
    if (!accepts(kit, subject.name(), subject.spec())) {
      return false;
    }
    try (Trial trial = new Trial(kit, subject)) {
      body.check(trial);
    } catch (Exception | AssertionError failure) {
      throw new AssertionError(
          subject.name() + ": " + failure.getMessage() + "\n  model: " + subject.spec(), failure);
    }
    return true;
  }

  /** Returns how far numbers may be from exact. */
  public Tolerance tolerance() {
    return tolerance;
  }

  /** Returns whether the backend promises the same bits in any batch. */
  public boolean batchInvariant() {
    return model.numerics().kind() == Numerics.Kind.BITWISE_BATCH_INVARIANT
        && Dependence.of(subject.spec()) != Dependence.BATCH;
  }

  /** Returns whether the backend promises the same bits for the same calls. */
  public boolean repeatable() {
    return model.numerics().kind() != Numerics.Kind.TOLERANT;
  }

  /** Returns a walk on which units leave as a policy says. */
  public Walk by(Policy policy) {
    return new Walk(model, Deciding.by(policy));
  }

  /** Returns a walk on which units leave where they are told: a step for each unit. */
  public Walk forced(List<List<Integer>> exits) {
    return forced(exits, 1);
  }

  /** Returns a walk on which units leave where they are told, and halt as a seed says. */
  public Walk forced(List<List<Integer>> exits, long seed) {
    return new Walk(model, Deciding.forced(exits, seed));
  }

  /** Returns a policy under which about half of the units that come to a decision leave there. */
  public Policy halfLeave() {
    return HalfLeave.of(subject, oracle);
  }

  /** Judges answers to all sequences of the case under a policy. */
  public void judge(Policy policy, List<Answered> answers) {
    judge.judge(subject.sequences(), policy, answers);
  }

  /** Judges answers to all sequences of the case whose decisions were forced. */
  public void judge(List<List<Integer>> exits, List<Answered> answers) {
    for (int n = 0; n < answers.size(); n++) {
      for (int unit = 0; unit < exits.get(n).size(); unit++) {
        int left = answers.get(n).exits[unit];
        if (left >= 0) {
          assertEquals(exits.get(n).get(unit), left, "place where unit " + unit + " left");
        }
      }
    }
    judge.judge(subject.sequences(), null, answers);
  }

  /** Fails unless two lists of answers have the same bits. */
  public static void sameBits(List<Answered> expected, List<Answered> actual) {
    for (int n = 0; n < expected.size(); n++) {
      assertEquals(expected.get(n).bits(), actual.get(n).bits(), "bits of sequence " + n);
    }
  }

  /** Fails unless all sequences are answered right where each unit leaves as a seed draws it. */
  public void judgeLeaving(long seed) {
    List<List<Integer>> exits = subject.anyExits(seed);
    judge(exits, forced(exits).run(subject.sequences()));
  }

  /**
   * Fails unless logits agree with those of another load: to the bit where the backend promises it,
   * else as far as two numbers may be apart that are both within the tolerance.
   */
  public void agree(String what, List<Answered> expected, List<Answered> actual) {
    for (int n = 0; n < expected.size(); n++) {
      float[][] logits = expected.get(n).logits;
      for (int unit = 0; unit < logits.length; unit++) {
        String at = what + ", sequence " + n + ", unit " + unit;
        agree(at, logits[unit], actual.get(n).logits[unit]);
      }
    }
  }

  /** Fails unless two rows of numbers agree as those of two loads do. */
  public void agree(String what, float[] expected, float[] actual) {
    if (batchInvariant()) {
      assertArrayEquals(expected, actual, what);
    } else {
      judge.apart(what, expected, actual);
    }
  }

  /** Runs each sequence alone. */
  public List<Answered> oneByOne(Policy policy) {
    List<Answered> answers = new ArrayList<>();
    for (Sequence sequence : subject.sequences()) {
      answers.addAll(by(policy).run(List.of(sequence)));
    }
    return answers;
  }

  @Override
  public void close() {
    model.close();
  }
}
