package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.space.Shapes;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Grouping;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.Sublayer;
import anabranch.model.position.Distances;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Rows read what they may of other rows: earlier ones, frozen ones, and nothing else. */
public interface RowsChapter extends Subject {
  /** Intent: a causal answer never waits for what comes later, nor changes with it. */
  @Test
  @Rule({"A1", "D4"})
  default void laterRowsNeverChangeEarlierOnes() {
    for (boolean ngrams : new boolean[] {false, true}) {
      Attention attention = Attention.causal(3, 4).withKeyValueHeads(1).withRotary(100);
      Case drawn =
          Case.of(
              ngrams ? Shapes.freezingWithNgrams(attention) : Shapes.freezing(attention), 21, 8, 8);
      int kept = 5;
      Sequence first = drawn.sequences().get(0);
      Sequence changed =
          Sequence.of(spliced(first.eventAt(0), drawn.sequences().get(1).eventAt(0), kept));
      Trial.of(
          this,
          drawn,
          trial -> {
            List<Integer> exits = List.of(2, 0, 1, 2, 2, 2, 1, 2);
            Answered before = trial.forced(List.of(exits)).run(List.of(first)).get(0);
            Answered after = trial.forced(List.of(exits)).run(List.of(changed)).get(0);
            trial.judge.judge(List.of(changed), null, List.of(after));
            for (int row = 0; row < kept; row++) {
              trial.judge.apart("row " + row + " logits", before.logits[row], after.logits[row]);
            }
          });
    }
  }

  /**
   * Intent: keys may be made of what a row keeps, and queries by experts; neither changes what is
   * read.
   */
  @Test
  @Rule({"A25", "A26"})
  default void latentKeysAndRoutedHeadsReadAsDescribed() {
    for (Attention attention : List.of(Shapes.latent(), Shapes.routedHeads())) {
      for (Attention.Mask mask : List.of(Attention.Mask.CAUSAL, Attention.Mask.FULL)) {
        Case drawn = Case.of(Shapes.freezing(attention.withMask(mask)), 26, 6, 3);
        Trial.of(
            this,
            drawn,
            trial -> {
              List<List<Integer>> exits = trial.subject.anyExits(2);
              trial.judge(exits, trial.forced(exits).run(drawn.sequences()));
            });
      }
    }
  }

  /** Intent: what is read is the product, also where rows left that nobody asks for one. */
  @Test
  @Rule("A28")
  default void modulatedOperationsReadTheProduct() {
    for (Router router : List.of(Routers.switchDit(4, 2, true), Routers.olmoe(2))) {
      for (Attention.Mask mask : List.of(Attention.Mask.CAUSAL, Attention.Mask.FULL)) {
        ModelSpec bare = Shapes.freezing(Attention.causal(2, 4).withMask(mask));
        ModelSpec spec =
            Rewrite.operations(bare, operation -> new Mixture.Modulated(3, router, operation));
        Case drawn = Case.of(spec, 28, 6, 3);
        Trial.of(
            this,
            drawn,
            trial -> {
              trial.judgeLeaving(3);
            });
      }
    }
  }

  /** Intent: a modulation that adds nothing to one is not there, to the bit. */
  @Test
  @Rule("A28")
  default void whatIsMultipliedByOneIsTheOperation() {
    Norm norm = new Norm.Rms(1e-5);
    Chain chain =
        Chain.of(
            Sublayer.preNorm(norm, Attention.full(2, 4)),
            Sublayer.preNorm(norm, FeedForward.gated(5, Activation.GELU)));
    Router weighsZero = Router.linear(Score.IDENTITY, new Selection.TopK(2));
    Router picksNone = Router.linear(Score.SIGMOID, new Selection.Threshold(2, true));
    for (Router router : List.of(weighsZero, picksNone)) {
      Case drawn = Case.of(Shapes.linear(new Mixture.Modulated(3, router, chain)), 29, 6, 3);
      Case modulated =
          drawn.with(
              Shapes.changed(
                  drawn.spec(),
                  drawn.weights(),
                  (name, tensor) ->
                      name.endsWith("router.weight") ? Shapes.filled(tensor, 0) : tensor));
      Trial.of(
          this,
          modulated,
          trial -> {
            Policy full = Policy.fullDepth();
            List<Answered> answers = trial.by(full).run(modulated.sequences());
            trial.judge(full, answers);
            Case dense = dense(modulated, Shapes.linear(chain));
            if (trial.batchInvariant()) {
              Trial.of(this, dense, plain -> agree(plain, answers));
            }
          });
    }
  }

  /** Intent: most rows run as the mean of a block, also beside rows that left, and all answer. */
  @Test
  @Rule({"A30", "R11"})
  default void mergedRowsReadAsDescribed() {
    Attention near = Attention.full(4, 4).withKeyValueHeads(2);
    for (Attention attention :
        List.of(
            near.withRotary(50),
            near.withScores(
                Attention.Scores.usual().withSinks().withDistances(new Distances(8, 20, true))),
            Shapes.latent().withMask(Attention.Mask.FULL))) {
      ModelSpec bare = Shapes.freezing(attention);
      for (int fine : new int[] {0, 1, 2}) {
        Case drawn = Case.of(Shapes.merging(bare, 2, fine, List.of(0, 3)), 30 + fine, 9, 4, 1);
        Trial.of(
            this,
            drawn,
            trial -> {
              Policy full = Policy.fullDepth();
              trial.judge(full, trial.by(full).run(drawn.sequences()));
              for (int seed = 0; seed < 5; seed++) {
                trial.judgeLeaving(seed);
              }
            });
      }
    }
  }

  /** Intent: the mean of equal rows counts as all of them, so that nobody sees the difference. */
  @Test
  @Rule("A30")
  default void blocksOfEqualRowsReadAsTheirRows() {
    ModelSpec bare = Shapes.linear(Attention.full(3, 4));
    Case merged = Case.of(Shapes.merging(bare, 3, 0, List.of(0)), 31, 1);
    ModelSpec plain = Rewrite.operations(merged.spec(), RowsChapter::unmerged);
    Case equal = merged.with(List.of(Sequence.of(Event.ofTokens(7, 2, 2, 2, 5, 5, 5, 9, 9))));
    List<Answered> answers = new ArrayList<>();
    for (Case each : List.of(equal, new Case("plain", plain, equal.weights(), equal.sequences()))) {
      Trial.of(
          this,
          each,
          trial -> {
            Policy full = Policy.fullDepth();
            answers.addAll(trial.by(full).run(each.sequences()));
            trial.judge(full, List.of(answers.get(answers.size() - 1)));
            for (int row = 0; answers.size() > 1 && row < answers.get(1).logits.length; row++) {
              float[] expected = answers.get(1).logits[row];
              trial.judge.apart("row " + row, expected, answers.get(0).logits[row]);
            }
          });
    }
  }

  /** Intent: of blocks that are attended to alike, or by nobody, the first ones matter. */
  @Test
  @Rule({"A30", "R8"})
  default void theEarlierOfEqualBlocksRunsRowByRow() {
    ModelSpec bare = Shapes.linear(Attention.full(3, 4));
    for (int kept : new int[] {0, 12}) {
      Case drawn = Case.of(Shapes.merging(bare, 2, 1, List.of(kept)), 33, 1);
      Case equal = drawn.with(List.of(Sequence.of(Event.ofTokens(7, 2, 2, 2, 2, 2, 2, 2))));
      Trial.of(
          this,
          equal,
          trial -> {
            Policy full = Policy.fullDepth();
            Answered answer = trial.by(full).run(equal.sequences()).get(0);
            trial.judge(full, List.of(answer));
            int[][] picks = answer.experts.get("blocks.0.attention");
            int first = kept == 0 ? 1 : 0;
            for (int row = 0; trial.repeatable() && row < picks.length; row++) {
              int expected = row < first + 2 ? 0 : -1;
              assertArrayEquals(new int[] {expected}, picks[row], "row " + row);
            }
          });
    }
  }

  /** Intent: no ranking of what is not a number means anything. */
  @Test
  @Rule({"A30", "E5"})
  default void blocksWithoutANumberAreNotRanked() {
    ModelSpec bare = Shapes.freezingWithoutRouters(Attention.full(2, 4));
    Case drawn = Case.of(Shapes.merging(bare, 2, 1, List.of(0)), 34, 5);
    float[] values = new float[5 * drawn.sequences().get(0).eventAt(0).width()];
    values[values.length - 1] = Float.NaN;
    Event poison = Event.ofFeatures(values.length / 5, values);
    Trial.of(
        this,
        drawn,
        trial -> {
          Walk walk = trial.by(Policy.fullDepth());
          RuntimeException failed =
              assertThrows(RuntimeException.class, () -> walk.run(List.of(Sequence.of(poison))));
          assertTrue(
              String.valueOf(failed.getMessage()).contains("blocks.0.attention"),
              "names the chain: " + failed);
        });
  }

  private static Operation unmerged(Operation operation) {
    return operation instanceof Chain.Merged merged ? merged.chain() : operation;
  }

  /** Intent: a chain that adds nothing leaves every row of every block as it was. */
  @Test
  @Rule("A30")
  default void rowsToWhichNothingIsAddedStayAsTheyWere() {
    Attention attention = Attention.full(2, 4);
    Case drawn =
        Case.of(
            Shapes.linear(
                new Chain.Merged(
                    2, 1, List.of(1), Chain.of(Sublayer.preNorm(new Norm.Rms(1e-5), attention)))),
            32,
            9,
            6);
    Case still =
        drawn.with(
            Shapes.changed(
                drawn.spec(),
                drawn.weights(),
                (name, tensor) -> name.endsWith(".o.weight") ? Shapes.filled(tensor, 0) : tensor));
    ModelSpec without = Shapes.linear(FeedForward.plain(1, Activation.RELU));
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : without.parameters()) {
      boolean known = still.weights().names().contains(parameter.name());
      float[] zeros = new float[Math.toIntExact(parameter.elements())];
      tensors.add(
          known
              ? still.weights().tensor(parameter.name())
              : MemoryWeights.tensor(parameter.name(), parameter.shape(), zeros));
    }
    Case bare = new Case("bare", without, MemoryWeights.of(tensors), still.sequences());
    Trial.of(
        this,
        still,
        trial -> {
          Policy full = Policy.fullDepth();
          List<Answered> answers = trial.by(full).run(still.sequences());
          trial.judge(full, answers);
          Trial.of(this, bare, plain -> agree(plain, answers));
        });
  }

  private static void agree(Trial dense, List<Answered> answers) {
    List<Answered> expected = dense.by(Policy.fullDepth()).run(dense.subject.sequences());
    dense.agree("beside what adds nothing", expected, answers);
  }

  /** Returns a case of a description whose chain is the modulated one. */
  private static Case dense(Case modulated, ModelSpec spec) {
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : spec.parameters()) {
      String name = parameter.name().replace(".chain.", ".modulated.");
      Tensor tensor = modulated.weights().tensor(name);
      tensors.add(new Tensor(parameter.name(), tensor.type(), tensor.shape(), tensor.bytes()));
    }
    return new Case("dense", spec, MemoryWeights.of(tensors), modulated.sequences());
  }

  /**
   * Intent: what a row shows is made once, by its own vector, and what is read goes through experts
   * of the row that asks, at once as row by row.
   */
  @Test
  @Rule({"A29", "A12"})
  default void routedProjectionsReadAsDescribed() {
    for (Attention.Mask mask : List.of(Attention.Mask.CAUSAL, Attention.Mask.FULL)) {
      Attention attention = Shapes.routedProjections().withMask(mask);
      Case drawn = Case.of(Shapes.freezing(attention), 28, 6, 3);
      Trial.of(
          this,
          drawn,
          trial -> {
            List<List<Integer>> exits = trial.subject.anyExits(2);
            trial.judge(exits, trial.forced(exits).run(drawn.sequences()));
            if (mask == Attention.Mask.CAUSAL) {
              trial.judge(exits, trial.forced(exits).inSteps(1).run(drawn.sequences()));
            }
          });
    }
  }

  /** Intent: what left stays a key for all who may see it, as it was when it left. */
  @Test
  @Rule({"A4", "A11"})
  default void frozenRowsStayKeysAsTheyLeft() {
    for (Attention attention : List.of(Attention.causal(2, 6), Attention.full(4, 3))) {
      for (List<Integer> exits :
          List.of(
              List.of(0, 0, 0, 0, 0, 0, 2),
              List.of(0, 2, 0, 2, 1, 2, 2),
              List.of(2, 1, 0, 1, 2, 0, 0))) {
        Trial.of(
            this,
            Case.of(Shapes.freezing(attention), 22, exits.size()),
            trial -> {
              List<Answered> answers = trial.forced(List.of(exits)).run(trial.subject.sequences());
              trial.judge(List.of(exits), answers);
            });
      }
    }
  }

  /** Intent: rows of one sequence may come in several calls; the state carries the rest. */
  @Test
  @Rule({"D7", "S4"})
  default void stepByStepIsOneCall() {
    Trial.forEach(
        this,
        trial -> {
          if (inSteps(trial.subject.spec())) {
            List<List<Integer>> exits = trial.subject.anyExits(3);
            List<Answered> whole = trial.forced(exits).run(trial.subject.sequences());
            for (int step : new int[] {1, 2}) {
              List<Answered> stepped =
                  trial.forced(exits).inSteps(step).run(trial.subject.sequences());
              trial.judge(exits, stepped);
              if (trial.batchInvariant()) {
                Trial.sameBits(whole, stepped);
              }
            }
          }
        });
  }

  /** Intent: a prompt at once, in pieces, row by row, alone or in company: equal in every bit. */
  @Test
  @Rule({"D8", "D7"})
  default void promptsInPiecesAndSingleRowsGiveTheSameBits() {
    for (Attention attention :
        List.of(
            Attention.causal(2, 4).withRotary(1000),
            Attention.causal(4, 6).withKeyValueHeads(2).withRotary(1000),
            Shapes.latent(),
            Shapes.routedHeads())) {
      Trial.of(
          this,
          Case.of(Shapes.decoding(attention), 25, 80, 20, 3),
          trial -> {
            List<Sequence> sequences = trial.subject.sequences();
            List<List<Integer>> exits = trial.subject.anyExits(1);
            List<Answered> whole = trial.forced(exits).run(sequences);
            trial.judge(exits, whole);
            if (trial.batchInvariant()) {
              for (int step : new int[] {1, 7, 64}) {
                Trial.sameBits(whole, trial.forced(exits).inSteps(step).run(sequences));
              }
              List<Answered> alone = trial.forced(exits).inSteps(1).run(sequences.subList(0, 1));
              Trial.sameBits(whole.subList(0, 1), alone);
            }
          });
    }
  }

  private static boolean inSteps(ModelSpec spec) {
    return Cut.of(spec).steps().stream()
        .noneMatch(step -> !step.stage().encoder() && step.stage().grouping() == Grouping.WHOLE);
  }

  /** Intent: n-grams reach over the border between two calls, and to the left of the sequence. */
  @Test
  @Rule({"S4"})
  default void ngramsReachOverTheBorderOfACall() {
    Trial.of(
        this,
        Case.of(Shapes.freezingWithNgrams(Attention.causal(2, 4)), 23, 9, 2),
        trial -> {
          List<List<Integer>> exits = trial.subject.anyExits(1);
          for (int step : new int[] {1, 4}) {
            trial.judge(exits, trial.forced(exits).inSteps(step).run(trial.subject.sequences()));
          }
        });
  }

  /** Intent: a frozen row speaks in no pool and no score. */
  @Test
  @Rule({"X15", "I1"})
  default void frozenRowsAreInNoPool() {
    Trial.of(
        this,
        Case.of(Shapes.pooled(), 24, 6),
        trial -> {
          Event event = trial.subject.sequences().get(0).eventAt(0);
          Rows all = rows(event, null, new int[] {0, 1, 2, 3, 4, 5}, Rows.SCORED);
          try (StageResult first = run(trial, 0, all);
              Activations hidden = first.rows()) {
            byte[] mixed = {Rows.SCORED, Rows.FROZEN, 0, Rows.FROZEN, Rows.FROZEN, Rows.SCORED};
            float[] with = logits(trial, rows(event, hidden, new int[] {0, 1, 2, 3, 4, 5}, mixed));
            float[] without = logits(trial, rows(event, hidden, new int[] {0, 2, 5}, Rows.SCORED));
            trial.judge.apart("logits beside frozen rows", without, with);
          }
        });
  }

  private static StageResult run(Trial trial, int stage, Rows rows) {
    return trial
        .model
        .stages()
        .get(stage)
        .run(new StageBatch(stage, List.of(new Span(null, rows)), false));
  }

  private static float[] logits(Trial trial, Rows rows) {
    float[] logits = new float[trial.subject.spec().head().outputs()];
    try (StageResult result = run(trial, 1, rows);
        Activations unused = result.rows()) {
      ByteBuffer into = ByteBuffer.allocate(4 * logits.length);
      result.output(new int[] {0}, into);
      into.flip().asFloatBuffer().get(logits);
    }
    return logits;
  }

  private static Rows rows(
      Event event, @Nullable Activations from, int[] positions, byte... flags) {
    Event[] events = new Event[positions.length];
    Arrays.fill(events, event);
    @Nullable Activations[] handles = new Activations[positions.length];
    Arrays.fill(handles, from);
    byte[] each = flags.length == positions.length ? flags : repeated(flags[0], positions.length);
    return new Rows(events, handles, positions.clone(), positions, each);
  }

  private static byte[] repeated(byte flag, int count) {
    byte[] flags = new byte[count];
    Arrays.fill(flags, flag);
    return flags;
  }

  /** Returns an event with the first rows of one and the other rows of another. */
  private static Event spliced(Event head, Event tail, int kept) {
    int rows = head.rows();
    if (head.hasTokens()) {
      return Event.ofTokens(
          IntStream.range(0, rows)
              .map(row -> row < kept ? head.token(row) : tail.token(row))
              .toArray());
    }
    float[] values = new float[rows * head.width()];
    for (int row = 0; row < rows; row++) {
      (row < kept ? head : tail).features(row).get(values, row * head.width(), head.width());
    }
    return Event.ofFeatures(head.width(), values);
  }
}
