package anabranch.conformance.system;

import anabranch.conformance.golden.Recorded;
import anabranch.conformance.golden.RecordedTrial;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A published system in the words of the language, small enough to follow by hand.
 *
 * @param id its row in the table of systems, such as {@code "A00"}
 * @param title what the field calls it
 * @param paper who published it
 * @param witnesses what the test compares with, besides the oracle: hand-computed numbers,
 *     properties
 * @param open what of it is not known, so that nobody should take it for granted
 * @param preset the description with weights and sequences
 * @param changedField which part of the description {@code otherwise} changes
 * @param otherwise its own test of a description that differs in one meaning: it must fail
 * @param worksWhen its own test
 * @param recording what published code of it answered; null where the kit has none
 */
public record PublishedSystem(
    String id,
    String title,
    String paper,
    List<String> witnesses,
    List<String> open,
    Case preset,
    String changedField,
    WorksWhen otherwise,
    WorksWhen worksWhen,
    @Nullable Recorded recording) {
  /** Longest sequence that the oracle is asked about; it is there for every row at once. */
  private static final int ORACLE_ROWS = 1000;

  /** Copies the lists. */
  public PublishedSystem {
    witnesses = List.copyOf(witnesses);
    open = List.copyOf(open);
  }

  /**
   * Creates a system of one model, of which nothing was recorded.
   *
   * @param change a description that differs in one meaning; weights and sequences stay
   */
  public PublishedSystem(
      String id,
      String title,
      String paper,
      List<String> witnesses,
      List<String> open,
      Case preset,
      String changedField,
      UnaryOperator<ModelSpec> change,
      WorksWhen worksWhen) {
    this(
        id,
        title,
        paper,
        witnesses,
        open,
        preset,
        changedField,
        (kit, given) -> worksWhen.check(kit, changed(given, change.apply(given.spec()))),
        worksWhen,
        null);
  }

  /** Returns this system with what published code of it answered. */
  PublishedSystem recordedAs(Recorded model) {
    return new PublishedSystem(
        id, title, paper, witnesses, open, preset, changedField, otherwise, worksWhen, model);
  }

  /**
   * Holds a backend to all witnesses: the oracle, the system's own test, what was recorded.
   *
   * @param kit the backend under test
   */
  public void check(Subject kit) throws Exception {
    List<Sequence> few =
        preset.sequences().stream().filter(sequence -> sequence.rows() <= ORACLE_ROWS).toList();
    Trial.of(
        kit,
        preset.with(few),
        trial -> {
          Policy policy = Policy.fullDepth();
          trial.judge(policy, trial.by(policy).run(few));
        });
    worksWhen.check(kit, preset);
    if (recording != null) {
      RecordedTrial.answers(kit, recording);
    }
  }

  /** Says whether a backend runs a system as published. */
  public interface WorksWhen {
    /**
     * Fails with an assertion unless it does.
     *
     * @param kit the backend under test
     * @param preset the case to run, whatever its description is
     */
    void check(Subject kit, Case preset) throws Exception;
  }

  private static Case changed(Case preset, ModelSpec other) {
    return new Case(preset.name() + ", changed", other, preset.weights(), preset.sequences());
  }
}
