package anabranch.conformance.system;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.expect;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.backend.Event;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Routers;
import java.util.Arrays;
import java.util.List;

/** Systems that read records and windows, and batches of rows without padding. Stateless. */
final class StreamedSystems {
  private StreamedSystems() {}

  static List<PublishedSystem> all() {
    return List.of(reactive(), windows(), packed());
  }

  /**
   * Records of a number, a protocol of three levels (2 stands for unknown) and a flag of two; a
   * hidden vector is (number, code of the protocol, code of the flag).
   */
  private static PublishedSystem windows() {
    Case preset = records(Head.Pool.LAST, 2);
    return new PublishedSystem(
        "A34",
        "FlowTransformer",
        "Manocchio et al. 2024",
        List.of("hand-computed vector", "properties"),
        List.of("the head that embeds each feature of the window"),
        preset,
        "input.field.unknown",
        spec -> unknown(spec, 0),
        (kit, given) -> {
          Trial.of(
              kit,
              given,
              trial -> {
                List<Answered> answers = trial.by(Policy.fullDepth()).run(given.sequences());
                expect(trial, "number of the last record", answers.get(0), 0, 1.5);
                expect(trial, "its protocol, which is unknown", answers.get(0), 1, 300);
                expect(trial, "its flag", answers.get(0), 2, 1000);
                expect(trial, "a known protocol", answers.get(1), 1, 200);
              });
          Case flat = records(Head.Pool.FLATTEN, 2);
          Trial.of(
              kit,
              flat,
              trial -> {
                List<Answered> answers = trial.by(Policy.fullDepth()).run(flat.sequences());
                // The first logit adds up the numbers, the second weighs protocols by position.
                expect(trial, "sum of numbers", answers.get(0), 0, 0.25 - 2 + 1.5);
                expect(trial, "weighed protocols", answers.get(0), 1, 100 + 2 * 200 + 3 * 300);
              });
          Sequence shorter = Sequence.of(Event.ofFeatures(3, 1, 0, 0));
          Trial.of(
              kit,
              flat,
              trial ->
                  assertThrows(
                      RuntimeException.class,
                      () -> trial.by(Policy.fullDepth()).run(List.of(shorter)),
                      "a window that is not full"));
        });
  }

  private static Case records(Head.Pool pool, int unknown) {
    Input input =
        new Input.Records(
            List.of(
                new Input.Field.Numeric("bytes"),
                new Input.Field.Category("protocol", 3, unknown),
                new Input.Field.Category("flag", 2, 0)),
            3);
    boolean flat = pool == Head.Pool.FLATTEN;
    Head head = new Head(pool, null, flat ? 2 : 3, false);
    ModelSpec spec =
        new ModelSpec(
            "records",
            3,
            input,
            Embedding.plain(),
            Plan.of(Block.of(bare("feedForward", Tiny.unit()))),
            head);
    Tiny tiny =
        Tiny.of(spec)
            .give("embedding.features.weight", 1, 0, 0)
            .give("embedding.fields.protocol", 0, 100, 0, 0, 200, 0, 0, 300, 0)
            .give("embedding.fields.flag", 0, 0, 0, 0, 0, 1000);
    if (flat) {
      tiny.give("head.weight", 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0);
    }
    return tiny.with(
        List.of(
            Sequence.of(Event.ofFeatures(3, 0.25f, 0, 0, -2, 1, 0, 1.5f, 7, 1)),
            Sequence.of(Event.ofFeatures(3, 1, -1, 0, 2, 0.5f, 1, 4, 1, 9))));
  }

  private static ModelSpec unknown(ModelSpec spec, int level) {
    Input.Records records = (Input.Records) spec.input();
    List<Input.Field> fields =
        records.fields().stream()
            .map(
                field ->
                    field instanceof Input.Field.Category category
                        ? new Input.Field.Category(
                            category.name(), category.levels(), Math.min(level, category.levels()))
                        : field)
            .toList();
    return new ModelSpec(
        spec.name(),
        spec.width(),
        new Input.Records(fields, records.maxLength()),
        spec.embedding(),
        spec.plan(),
        spec.head());
  }

  /**
   * Two descriptions over single numbers: one answers a query with attention to its own rows and to
   * the slots, the other adds to each slot the mean of what was asked and answered. Between events
   * the caller holds the slots.
   */
  private static PublishedSystem reactive() {
    float[] table = {1, -2, 3, 0.5f};
    Block nothing = Block.of(bare("nothing", Tiny.unit()));
    Input tokens = new Input.Tokens(table.length, 8);
    Input slots = new Input.Features(1, 2);
    Head head = Tiny.head(Head.Pool.EACH, 1);
    Tiny answering =
        Tiny.of(
                new ModelSpec(
                    "answers",
                    1,
                    new Encoder(slots, Embedding.plain(), Plan.of(nothing), null),
                    tokens,
                    Embedding.plain(),
                    Plan.of(
                        Block.of(
                            bare("own", Attention.causal(1, 1)),
                            bare("slots", Attention.memory(1, 1)))),
                    head))
            .give("encoder.embedding.features.weight", 1)
            .give("embedding.tokens", table);
    ScalarModel.mean(ScalarModel.mean(answering, "blocks.0.own"), "blocks.0.slots");
    Tiny writing =
        Tiny.of(
                new ModelSpec(
                    "writes",
                    1,
                    new Encoder(tokens, Embedding.plain(), Plan.of(nothing), null),
                    slots,
                    Embedding.plain(),
                    Plan.of(Block.of(bare("event", Attention.memory(1, 1)))),
                    head))
            .give("encoder.embedding.tokens", table)
            .give("embedding.features.weight", 1);
    ScalarModel.mean(writing, "blocks.0.event");
    Case preset =
        answering.with(
            List.of(new Sequence(Event.ofFeatures(1, 0, 0), List.of(Event.ofTokens(0)))));
    return new PublishedSystem(
        "A33",
        "Slots of memory, written after the answer",
        "Filipek 2025 (Reactive Transformer)",
        List.of("hand-computed vector", "slots carried through three events"),
        List.of(
            "slots for each layer, and gates of the update; here slots are common and updates are sums"),
        preset,
        "attention.mask",
        spec ->
            Rewrite.operations(
                spec,
                operation ->
                    operation instanceof Attention attention
                            && attention.mask() == Attention.Mask.MEMORY
                        ? attention.withMask(Attention.Mask.CAUSAL)
                        : operation),
        (kit, given) -> {
          float[] kept = {0, 4};
          int[][] queries = {{0, 2}, {1, 3}, {0, 2}};
          for (int[] query : queries) {
            kept = event(kit, given, writing, table, kept, query);
          }
        });
  }

  /** Answers a query, then writes; returns the slots. The answer is taken to be the query. */
  private static float[] event(
      Subject kit, Case answering, Tiny writing, float[] table, float[] kept, int... query) {
    Event slots = Event.ofFeatures(1, kept);
    double read = (kept[0] + kept[1]) / 2;
    double first = 2 * table[query[0]];
    double second = table[query[1]] + (table[query[0]] + table[query[1]]) / 2;
    Case asked = answering.with(List.of(new Sequence(slots, List.of(Event.ofTokens(query)))));
    Trial.of(
        kit,
        asked,
        trial -> {
          Answered answer = trial.by(Policy.fullDepth()).run(asked.sequences()).get(0);
          expect(trial, "answer", answer, 0, first + read, second + read);
        });
    double mean = (table[query[0]] + table[query[1]]) / 2;
    float[] next = {(float) (kept[0] + mean), (float) (kept[1] + mean)};
    int[] both = {query[0], query[1], query[0], query[1]};
    Case written = writing.with(List.of(new Sequence(Event.ofTokens(both), List.of(slots))));
    Trial.of(
        kit,
        written,
        trial -> {
          Answered answer = trial.by(Policy.fullDepth()).run(written.sequences()).get(0);
          expect(trial, "slots", answer, 0, next[0], next[1]);
        });
    return next;
  }

  private static PublishedSystem packed() {
    Norm norm = new Norm.Layer(1e-5);
    Block block =
        Block.of(
            Sublayer.preNorm(norm, Attention.full(2, 4)),
            Sublayer.preNorm(
                norm, new Mixture(4, FeedForward.plain(7, Activation.GELU), Routers.mixtral(2))));
    ModelSpec spec =
        new ModelSpec(
            "packed",
            8,
            new Input.Tokens(20, 16),
            Embedding.withPositions(),
            Plan.of(block, block),
            new Head(Head.Pool.EACH, norm, 3, true));
    Case preset = Case.of(spec, 3501, 5, 1, 13, 2, 8);
    return new PublishedSystem(
        "A35",
        "ByteTransformer, without padding",
        "Zhai et al. 2023",
        List.of("each sequence alone", "executed rows"),
        List.of("an empty sequence, which is no event here"),
        preset,
        "router.capacity.population",
        changed -> crowded(changed),
        (kit, given) ->
            Trial.of(
                kit,
                given,
                trial -> {
                  Walk walk = trial.by(Policy.fullDepth());
                  List<Answered> together = walk.run(given.sequences());
                  List<Answered> alone = trial.oneByOne(Policy.fullDepth());
                  int rows = 0;
                  for (int n = 0; n < together.size(); n++) {
                    rows += given.sequences().get(n).rows();
                    for (int row = 0; row < alone.get(n).logits.length; row++) {
                      float[] expected = alone.get(n).logits[row];
                      trial.judge.apart("packed " + n, expected, together.get(n).logits[row]);
                    }
                  }
                  for (long[] counts : walk.ran().values()) {
                    long ran = Arrays.stream(counts).sum();
                    assertEquals(2L * rows, ran, "rows that two experts each ran");
                  }
                }));
  }

  private static ModelSpec crowded(ModelSpec spec) {
    Capacity one =
        new Capacity.Limited(
            new Capacity.Size.Fixed(4), Capacity.Population.DISPATCH, Capacity.Priority.POSITION);
    return Rewrite.routers(spec, r -> r.with(one));
  }
}
