package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.conformance.space.Case;
import anabranch.conformance.space.Plans;
import anabranch.conformance.space.Shapes;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.GraphRank;
import anabranch.model.plan.Head;
import anabranch.model.plan.Prune;
import anabranch.weights.Weights;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is decided between blocks is decided by the right numbers. */
public interface PointsChapter extends Subject {
  /** Intent: the functions of logits that exits go by. */
  @Test
  @Rule({"X1", "X2", "X3", "X17"})
  default void scoresOfLogitsAreTheOracles() {
    for (Criterion criterion :
        List.of(Criterion.confidence(), Criterion.margin(), Criterion.entropy())) {
      agrees(leaving(criterion, Bypass.FREEZE_PROJECT), 71);
    }
  }

  /** Intent: labels, and how often they came. */
  @Test
  @Rule("X4")
  default void labelsThatPatienceCountsAreTheOracles() {
    agrees(leaving(Criterion.patience(), Bypass.FREEZE_PROJECT), 72);
  }

  /** Intent: a learned score reads the vector that leaves, not what a head makes of it. */
  @Test
  @Rule("X5")
  default void learnedScoresReadTheVectorThatLeaves() {
    agrees(leaving(Criterion.learned(), Bypass.FREEZE_PROJECT), 73);
  }

  /** Intent: how far a vector turned since the last decision; nothing at the first. */
  @Test
  @Rule("X6")
  default void saturationIsTheCosineSinceTheLastDecision() {
    agrees(leaving(Criterion.saturation(), Bypass.FREEZE_PROJECT), 74);
  }

  /** Intent: a depth that is known beforehand, for a row or for all of them. */
  @Test
  @Rule("X7")
  default void choicesOfDepthAreTheOracles() {
    Attention attention = Attention.full(2, 4);
    agrees(Plans.choosing(attention, Head.Pool.EACH, Head.Pool.EACH), 75);
    agrees(Plans.choosing(attention, Head.Pool.MEAN, Head.Pool.EACH), 76);
    agrees(Plans.choosing(attention, Head.Pool.LAST, Head.Pool.FIRST), 77);
  }

  /** Intent: a unit that is out of a loop goes on behind it, and owes what is said. */
  @Test
  @Rule({"X8", "T7"})
  default void unitsThatHaltGoOnBehindTheLoop() {
    for (Bypass bypass : List.of(Bypass.FREEZE_PROJECT, Bypass.FREEZE_SHARE_KV, Bypass.MASK)) {
      Attention causal = Attention.causal(2, 4);
      agrees(Plans.looping(causal, Head.Pool.EACH, Criterion.learned(), bypass), 78);
    }
    Attention full = Attention.full(2, 4);
    agrees(Plans.looping(full, Head.Pool.EACH, Criterion.saturation(), Bypass.FREEZE_PROJECT), 79);
    agrees(Plans.looping(full, Head.Pool.MEAN, Criterion.saturation(), Bypass.TERMINATE), 80);
  }

  /** Intent: the best rows stay, in their order and at their positions. */
  @Test
  @Rule({"X9", "X10", "I6"})
  default void prunesKeepTheBestRows() {
    for (Criterion.Score score :
        List.of(Criterion.Score.LEARNED, Criterion.Score.ATTENTION_RECEIVED)) {
      agrees(Plans.pruning(score, Head.Pool.MEAN), 81);
      agrees(Plans.pruning(score, Head.Pool.FIRST), 82);
    }
  }

  /** Intent: where nothing tells rows apart, the earlier ones stay. */
  @Test
  @Rule({"X9", "R8"})
  default void ofEqualRowsTheEarlierStay() {
    Case drawn = Case.of(Plans.pruning(Criterion.Score.LEARNED, Head.Pool.MEAN), 89, 9);
    Weights blind =
        Shapes.changed(
            drawn.spec(),
            drawn.weights(),
            (name, tensor) ->
                name.matches("prunes\\..*weight") ? Shapes.filled(tensor, 0) : tensor);
    Trial.of(
        this,
        drawn.with(blind),
        trial -> {
          Policy half = Policy.named("half").with("first", 0.5).with("second", 0.5);
          List<Answered> answers = trial.by(half).run(drawn.sequences());
          trial.judge(half, answers);
          if (trial.repeatable()) {
            assertEquals(
                List.of(List.of(0, 1, 2, 3, 4), List.of(0, 1, 2)),
                List.copyOf(answers.get(0).kept.values()),
                "rows that stay at each prune");
          }
        });
  }

  /** Intent: importance flows along an attention, in each head that tells rows apart. */
  @Test
  @Rule({"X9", "X19"})
  default void rowsAreRankedByTheGraphOfAnAttention() {
    for (GraphRank.Direction direction : GraphRank.Direction.values()) {
      GraphRank all = new GraphRank(direction, 5, 0, 0, 1);
      agrees(Plans.pruning((id, kept) -> Prune.graphRank(id, kept, all), Head.Pool.MEAN), 86);
      GraphRank some = new GraphRank(direction, 9, 0.005, 0.0004, 0.01);
      agrees(Plans.pruning((id, kept) -> Prune.graphRank(id, kept, some), Head.Pool.FIRST), 87);
    }
  }

  /** Intent: of two rows that say the same the lesser goes first. */
  @Test
  @Rule({"X9", "X20"})
  default void rowsThatResembleAMoreImportantOneGo() {
    GraphRank rank = new GraphRank(GraphRank.Direction.TO_READ, 5, 0, 0, 1);
    for (Prune.Compared compared : Prune.Compared.values()) {
      agrees(
          Plans.pruning((id, kept) -> Prune.redundancy(id, kept, rank, compared), Head.Pool.MEAN),
          88);
    }
  }

  /** Intent: logits beyond the range of exp. */
  @Test
  @Rule({"X14", "X12"})
  default void logitsOfHundredsHaveScores() {
    for (Criterion criterion : List.of(Criterion.margin(), Criterion.entropy())) {
      Case drawn = Case.of(leaving(criterion, Bypass.FREEZE_PROJECT), 83, 7, 4);
      Weights loud =
          Shapes.changed(
              drawn.spec(),
              drawn.weights(),
              (name, tensor) ->
                  name.matches("exits\\..*\\.weight") && !name.contains("norm")
                      ? Shapes.scaled(tensor, 60)
                      : tensor);
      Trial.of(
          this,
          drawn.with(loud),
          trial -> {
            for (Answered answer : trial.by(Policy.fullDepth()).run(trial.subject.sequences())) {
              for (int step : trial.subject.exitSteps().subList(0, 3)) {
                for (int row = 0; row < answer.exits.length; row++) {
                  assertFalse(Float.isNaN(answer.scores[step][row]), "score of row " + row);
                }
              }
            }
          });
    }
  }

  /** Intent: an item is read by its live rows, wherever its head looks. */
  @Test
  @Rule({"X15", "I10", "E6"})
  default void poolsReadTheRowsTheySay() {
    for (Head.Pool pool : Head.Pool.values()) {
      ModelSpec spec = Plans.records(Plans.head(pool));
      Case drawn = Case.of(spec, 84, 6, 6);
      Trial.of(
          this,
          drawn,
          trial -> {
            Policy policy = Policy.fullDepth();
            trial.judge(policy, trial.by(policy).run(drawn.sequences()));
          });
      if (pool == Head.Pool.FLATTEN) {
        Case shorter = Case.of(spec, 84, 5);
        Trial.of(
            this,
            shorter,
            trial ->
                assertThrows(
                    RuntimeException.class,
                    () -> trial.by(Policy.fullDepth()).run(shorter.sequences()),
                    "a window that is not full"));
      }
    }
  }

  /** Intent: what a head computes for itself, with a memory of its own. */
  @Test
  @Rule({"X16", "A16"})
  default void headsHaveLayersOfTheirOwn() {
    Norm norm = new Norm.Rms(1e-5);
    Attention causal = Attention.causal(2, 4);
    for (Operation operation :
        List.of(new Recurrence(5, 3, 2, 2), new Recurrence.LinearMemory(2, 4, true))) {
      Head own =
          Plans.head(Head.Pool.EACH)
              .withBody(Block.of(Sublayer.preNorm(norm, operation)))
              .withHidden(6, Activation.TANH);
      agrees(Plans.leaving(causal, Criterion.confidence(), Bypass.FREEZE_PROJECT, own), 85);
    }
  }

  private static ModelSpec leaving(Criterion criterion, Bypass bypass) {
    return Plans.leaving(Attention.causal(2, 4), criterion, bypass, Plans.head(Head.Pool.EACH));
  }

  /** Judges free decisions and forced ones. */
  private void agrees(ModelSpec spec, long seed) {
    Case drawn = Case.of(spec, seed, 9, 1, 6);
    Trial.of(
        this,
        drawn,
        trial -> {
          Policy policy = trial.halfLeave();
          trial.judge(policy, trial.by(policy).run(drawn.sequences()));
          List<List<Integer>> exits = drawn.anyExits(seed);
          trial.judge(exits, trial.forced(exits, seed).run(drawn.sequences()));
        });
  }
}
