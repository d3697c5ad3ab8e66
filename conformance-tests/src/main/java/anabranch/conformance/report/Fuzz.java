package anabranch.conformance.report;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.conformance.BackendConformance;
import anabranch.conformance.Kit;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.ModelSpace;
import anabranch.conformance.trial.Rounding;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.error.DescriptionException;
import anabranch.model.ModelSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Draws descriptions at random, without asking whether their parts go together: each is refused
 * with a reason, or answered as the oracle does, on free decisions and on forced ones, or failed as
 * the oracle does where a number is not finite (rule E5).
 */
public final class Fuzz {
  private final BackendConformance kit;
  private final Vocabulary vocabulary = new Vocabulary();
  private final Map<String, Integer> reasons = new TreeMap<>();
  private final List<String> wrong = new ArrayList<>();
  private int accepted;
  private int amplified;
  private int notFinite;

  private Fuzz(Backend backend, LoadOptions options) {
    kit =
        new BackendConformance() {
          @Override
          public Backend backend() {
            return backend;
          }

          @Override
          public LoadOptions options() {
            return options;
          }
        };
  }

  /**
   * Draws that many descriptions, from a first seed on.
   *
   * @throws IllegalArgumentException if nothing is known of numbers of the type that the backend
   *     declares
   */
  public static Fuzz run(Backend backend, LoadOptions options, long first, int count) {
    Rounding.of(Kit.numerics(backend, options));
    Fuzz fuzz = new Fuzz(backend, options);
    for (long seed = first; seed < first + count; seed++) {
      fuzz.draw(seed);
    }
    return fuzz;
  }

  private void draw(long seed) {
    ModelSpec spec;
    try {
      spec = ModelSpace.attempt(seed);
    } catch (DescriptionException refused) {
      String reason = String.valueOf(refused.getMessage());
      reasons.merge(reason.replaceAll("[\"\\[].*?[\"\\]]|\\d+", "?"), 1, Integer::sum);
      return;
    }
    accepted++;
    vocabulary.add(spec);
    try {
      Case drawn = ModelSpace.inhabit(spec, seed);
      Trial.of(
          kit,
          drawn,
          trial -> {
            Policy policy;
            try {
              policy = trial.halfLeave();
            } catch (ArithmeticException exact) {
              requireNotFinite(trial, exact);
              return;
            }
            trial.judge(policy, trial.by(policy).run(drawn.sequences()));
            List<List<Integer>> exits = drawn.anyExits(seed);
            trial.judge(exits, trial.forced(exits, seed).run(drawn.sequences()));
            amplified += trial.judge.amplified() > 0 ? 1 : 0;
          });
    } catch (RuntimeException | AssertionError failure) {
      wrong.add("seed " + seed + ": " + failure.getMessage());
    }
  }

  private void requireNotFinite(Trial trial, ArithmeticException exact) {
    try {
      trial.by(Policy.fullDepth()).run(trial.subject.sequences());
    } catch (ArithmeticException failed) {
      notFinite++;
      return;
    }
    throw new AssertionError("answered, and the oracle fails: " + exact.getMessage(), exact);
  }

  /** Returns how many descriptions were accepted. */
  public int accepted() {
    return accepted;
  }

  /** Returns how many were answered beyond the tolerance, as far as rounding explains. */
  public int amplified() {
    return amplified;
  }

  /** Returns how many failed in the oracle and the backend, as a number was not finite. */
  public int notFinite() {
    return notFinite;
  }

  /** Returns how many were refused. */
  public int refused() {
    return reasons.values().stream().mapToInt(count -> count).sum();
  }

  /** Returns the reasons for refusals, numbers and names left out, with their counts. */
  public Map<String, Integer> reasons() {
    return reasons;
  }

  /** Returns what came out wrong, with the seed of each. */
  public List<String> wrong() {
    return wrong;
  }

  /** Returns in how many accepted descriptions each word of the language stands. */
  public Map<String, Integer> vocabulary() {
    return vocabulary.counts(List.of(ModelSpec.class));
  }
}
