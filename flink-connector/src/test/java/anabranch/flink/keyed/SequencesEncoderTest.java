package anabranch.flink.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import anabranch.backend.Event;
import anabranch.conformance.reference.Decisions;
import anabranch.conformance.reference.Oracle;
import anabranch.conformance.reference.Verdict;
import anabranch.engine.Item;
import anabranch.flink.ItemExtractor;
import anabranch.flink.step.OneResult;
import anabranch.flink.step.StepParts;
import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sequences whose rows read what an encoder made of another event. */
@Timeout(60)
class SequencesEncoderTest {
  private static final int POISON = 13;
  private static final ItemExtractor<Word> ITEMS =
      (word, input) -> {
        Item item = Item.of(word.name(), Event.ofTokens(word.tokens()));
        return List.of(word.number() % 3 == 0 ? item.reading(source(word)) : item);
      };

  private final Talk talk = new Talk(reading());

  private static Event source(Word word) {
    return Event.ofTokens((int) word.number(), 7, 9);
  }

  private static ModelSpec reading() {
    Norm norm = new Norm.Layer(1e-5);
    Sublayer network = Sublayer.preNorm(norm, FeedForward.plain(12, Activation.GELU));
    Block encoder = Block.of(Sublayer.preNorm(norm, Attention.full(2, 4)), network);
    Block block =
        Block.of(
            Sublayer.preNorm(norm, Attention.causal(2, 4)),
            new Sublayer("memory", norm, Attention.memory(2, 4), null, null),
            network);
    ModelSpec plain = Talk.spec(8);
    Encoder reads =
        new Encoder(
            new Input.Tokens(Talk.TOKENS, 8),
            Embedding.withPositions(),
            Plan.builder().add(encoder).build(),
            null);
    return new ModelSpec(
        "reading",
        8,
        reads,
        plain.input(),
        plain.embedding(),
        Plan.builder().add(block).add(block).build(),
        plain.head());
  }

  /** Each third word begins a sequence: it brings the source, and the word before was the last. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1 << 26})
  void aSequenceReadsWhatItsFirstRecordBrought(long cacheBytes) throws Exception {
    SequenceOptions options = SequenceOptions.defaults().withCacheBytes(cacheBytes);
    List<Word> words = new ArrayList<>();
    for (int n = 0; n < 9; n++) {
      words.add(new Word("a", n, new int[] {n + 1, 5}, n % 3 == 2));
    }
    List<String> results = new ArrayList<>();
    OperatorSubtaskState state;
    try (Stall stall = stall()) {
      stall.open();
      stall.sayAll(words.subList(0, 5));
      stall.say(Word.of("b", 1, 2));
      state = stall.checkpoint();
      results.addAll(stall.results());
      assertEquals(
          List.of("b1: item.source is missing: the encoder of the model reads an event of its own"),
          stall.asides());
    }
    try (Stall stall = stall(options)) {
      stall.setUp();
      stall.initializeState(state);
      stall.open();
      stall.sayAll(words.subList(5, 9));
      stall.endInput();
      results.addAll(stall.results());
    }
    assertEquals(expected(words, true), results);
    assertNotEquals(expected(words, false), results, "what the encoder read matters");
  }

  /** A word without tokens and one that is refused leave nothing that an encoder read. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1 << 26})
  void aRecordBehindARefusedOneBringsItsOwnSource(long cacheBytes) throws Exception {
    talk.poison(1, POISON);
    ItemExtractor<Word> items =
        (word, input) ->
            word.tokens().length == 0
                ? List.of()
                : List.of(
                    Item.of(word.name(), Event.ofTokens(word.tokens())).reading(source(word)));
    try (Stall stall = stall(items, SequenceOptions.defaults().withCacheBytes(cacheBytes))) {
      stall.open();
      stall.say(Word.of("a", 0));
      stall.say(Word.of("a", 1, POISON, 5));
      stall.say(Word.of("a", 2, 3, 5));
      stall.endInput();
      assertEquals(1, stall.asides().size());
      Word third = Word.of("a", 2, 3, 5);
      Verdict verdict =
          talk.oracle()
              .run(
                  source(third),
                  List.of(Event.ofTokens(third.tokens()).at(0)),
                  Decisions.by(Map.of()));
      StringBuilder text = new StringBuilder("a2");
      for (int unit = 0; unit < 2; unit++) {
        Talk.append(text, verdict.exit(unit), (float) verdict.logits(unit)[0]);
      }
      assertEquals(List.of("a0", text.toString()), stall.results());
    }
  }

  private Stall stall() throws Exception {
    return stall(SequenceOptions.defaults());
  }

  private Stall stall(SequenceOptions options) throws Exception {
    return stall(ITEMS, options);
  }

  private Stall stall(ItemExtractor<Word> items, SequenceOptions options) throws Exception {
    return new Stall(
        KeyedSequenceInferenceOperator.factory(
            new StepParts<>(talk.recipe(), items, new OneResult<>(Talk::text), Stall.aside()),
            options,
            new Marks<>(Word::number, Word::last)),
        1,
        0);
  }

  private List<String> expected(List<Word> words, boolean own) {
    Oracle oracle = talk.oracle();
    List<String> texts = new ArrayList<>();
    for (int first = 0; first < words.size(); first += 3) {
      List<Event> events = new ArrayList<>();
      for (Word word : words.subList(first, first + 3)) {
        events.add(Event.ofTokens(word.tokens()).at(2 * events.size()));
      }
      Event memory = source(words.get(own ? first : 0));
      Verdict verdict = oracle.run(memory, events, Decisions.by(Map.of()));
      for (int n = 0; n < 3; n++) {
        StringBuilder text = new StringBuilder(words.get(first + n).name());
        for (int row = 0; row < 2; row++) {
          int unit = 2 * n + row;
          Talk.append(text, verdict.exit(unit), (float) verdict.logits(unit)[0]);
        }
        texts.add(text.toString());
      }
    }
    return texts;
  }
}
