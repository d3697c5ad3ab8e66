package anabranch.flink.keyed;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.StageBatch;
import anabranch.conformance.reference.Decisions;
import anabranch.conformance.reference.Oracle;
import anabranch.conformance.reference.Verdict;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Policy;
import anabranch.flink.model.ModelRecipe;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * A model of three stages with attention and two exits, and what happens to it in one test. Tasks
 * find it by name, in the same JVM.
 */
public final class Talk {
  static final int TOKENS = 40;
  static final Policy EARLY = Policy.named("early").with("one", 0.55).with("two", 0.55);
  private static final long SEED = 11;
  private static final Map<String, Talk> ALL = new ConcurrentHashMap<>();
  private static final AtomicInteger NEXT = new AtomicInteger();

  final ModelSpec spec;
  private final long seed;
  public final String name = "talk" + NEXT.incrementAndGet();
  public final AtomicInteger openModels = new AtomicInteger();

  /** Called before a stage runs, on an engine's thread. */
  public volatile Consumer<StageBatch> before = batch -> {};

  Talk() {
    this(spec(8));
  }

  Talk(ModelSpec spec) {
    this(spec, SEED);
  }

  /** A talk whose weights are drawn from another seed. */
  Talk(ModelSpec spec, long seed) {
    this.spec = spec;
    this.seed = seed;
    ALL.put(name, this);
  }

  static Talk named(String name) {
    return ALL.get(name);
  }

  ModelRecipe recipe() {
    return recipe(EngineOptions.defaults().withLanes(2));
  }

  ModelRecipe recipe(EngineOptions options) {
    long drawn = seed;
    return ModelRecipe.of("talking", spec, model -> Weights.random(model, drawn))
        .withLoadOptions(LoadOptions.defaults().with("talking.talk", name))
        .withPolicy(spec.encoder() == null ? EARLY : Policy.fullDepth())
        .withEngineOptions(options);
  }

  /** Fails stages on events that begin with a token. */
  void poison(int stage, int token) {
    before =
        batch -> {
          if (batch.slot() == stage) {
            batch
                .spans()
                .forEach(
                    span -> {
                      if (begins(span.rows().event(0), token)) {
                        throw new IllegalArgumentException("poison " + token);
                      }
                    });
          }
        };
  }

  private static boolean begins(Event event, int token) {
    return event.token(event.firstPosition()) == token;
  }

  static ModelSpec spec(int width) {
    return spec(width, Attention.causal(2, 4));
  }

  static ModelSpec spec(int width, Attention attention) {
    Norm norm = new Norm.Layer(1e-5);
    Block block =
        Block.of(
            Sublayer.preNorm(norm, attention),
            Sublayer.preNorm(norm, FeedForward.plain(12, Activation.GELU)));
    Head head = new Head(Head.Pool.EACH, norm, 3, true);
    Exit one = new Exit("one", head, Criterion.confidence(), Bypass.FREEZE_PROJECT);
    Exit two = new Exit("two", head, Criterion.confidence(), Bypass.FREEZE_PROJECT);
    return new ModelSpec(
        "talk",
        width,
        new Input.Tokens(TOKENS, 500),
        Embedding.withPositions(),
        Plan.builder().add(block).add(one).add(block).add(two).add(block).build(),
        head);
  }

  /** The first token, and the others behind it. */
  static List<Event> events(Word word, Input input) {
    int[] tokens = word.tokens();
    List<Event> chunks = new ArrayList<>();
    if (tokens.length > 0) {
      chunks.add(Event.ofTokens(tokens[0]));
    }
    if (tokens.length > 1) {
      chunks.add(Event.ofTokens(Arrays.copyOfRange(tokens, 1, tokens.length)));
    }
    return chunks;
  }

  static String text(Word word, List<Inference> inferences) {
    StringBuilder text = new StringBuilder(word.name());
    for (Inference inference : inferences) {
      for (int unit = 0; unit < inference.units(); unit++) {
        append(text, inference.exit(unit), inference.logits(unit).get(0));
      }
    }
    return text.toString();
  }

  static void append(StringBuilder text, int exit, float logit) {
    text.append(' ')
        .append(exit)
        .append('@')
        .append(Integer.toHexString(Float.floatToIntBits(logit)));
  }

  /** What {@link #text} must be for each word, by the oracle, which knows no operator or engine. */
  List<String> expected(List<Word> words) {
    Oracle oracle = oracle();
    Map<String, List<Word>> open = new HashMap<>();
    Map<String, String> texts = new HashMap<>();
    for (Word word : words) {
      open.computeIfAbsent(word.speaker(), speaker -> new ArrayList<>()).add(word);
      if (word.last()) {
        run(oracle, open.remove(word.speaker()), texts);
      }
    }
    open.values().forEach(some -> run(oracle, some, texts));
    return words.stream().map(word -> texts.get(word.name())).toList();
  }

  Oracle oracle() {
    return new Oracle(spec, Weights.random(spec, seed));
  }

  private void run(Oracle oracle, List<Word> words, Map<String, String> texts) {
    List<Event> events = new ArrayList<>();
    int length = 0;
    for (Word word : words) {
      for (Event event : events(word, spec.input())) {
        events.add(event.at(length));
        length += event.rows();
      }
    }
    Verdict verdict =
        events.isEmpty() ? null : oracle.run(events, Decisions.by(EARLY.thresholds()));
    int unit = 0;
    for (Word word : words) {
      StringBuilder text = new StringBuilder(word.name());
      for (int row = 0; row < word.tokens().length; row++, unit++) {
        append(text, verdict.exit(unit), (float) verdict.logits(unit)[0]);
      }
      texts.put(word.name(), text.toString());
    }
  }

  /** Returns a token that leaves behind a stage when it comes first. */
  int leaving(int stage) {
    for (int token = 0; token < TOKENS; token++) {
      if (expected(List.of(Word.of("a", 0, token))).get(0).contains(" " + stage + "@")) {
        return token;
      }
    }
    throw new AssertionError("no token leaves behind stage " + stage);
  }

  /** Draws words of several speakers, one of whom says half of them. */
  static List<Word> words(long seed, int count, int speakers) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Long> said = new HashMap<>();
    List<Word> words = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      String speaker = "s" + (random.nextBoolean() ? 0 : random.nextInt(speakers));
      long number = said.merge(speaker, 1L, Long::sum) - 1;
      int[] tokens = random.ints(random.nextInt(4), 0, TOKENS).toArray();
      words.add(new Word(speaker + "-", number, tokens, random.nextInt(12) == 0));
    }
    return words;
  }
}
