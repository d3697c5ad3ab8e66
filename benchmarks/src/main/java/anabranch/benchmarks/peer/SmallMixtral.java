package anabranch.benchmarks.peer;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.benchmarks.measure.Tensors;
import anabranch.engine.Backends;
import anabranch.model.Embedding;
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
import anabranch.model.route.Routers;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A Mixtral of 220 MB with random weights, as we describe it and as a file for llama.cpp. Each of
 * its tokens but the first few is one letter, so that a text says which tokens it has. Stateless.
 */
final class SmallMixtral {
  static final int WIDTH = 512;
  static final int INNER = 1024;
  static final int LAYERS = 4;
  static final int EXPERTS = 8;
  static final int K = 2;
  static final int HEADS = 8;
  static final int VOCABULARY = 512;
  static final int MOST_ROWS = 1024;

  /** The first token that is a letter; those below are never likely. */
  static final int FIRST_LETTER = 4;

  private static final int LETTER = 0x4e00;
  static final float EPSILON = 1e-5f;
  private static final double BASE = 10_000;

  // What the file says of a token.
  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int BYTE = 6;

  private SmallMixtral() {}

  static ModelSpec spec() {
    return spec(WIDTH, INNER, VOCABULARY);
  }

  /** Returns the same model with other sizes. */
  static ModelSpec spec(int width, int inner, int vocabulary) {
    Norm norm = new Norm.Rms(EPSILON);
    Attention attention = Attention.causal(HEADS, width / HEADS).withRotary(BASE);
    FeedForward expert = FeedForward.gated(inner, Activation.SILU);
    Mixture mixture = new Mixture(EXPERTS, expert, Routers.mixtral(K));
    Block block =
        new Block(List.of(Sublayer.preNorm(norm, attention), Sublayer.preNorm(norm, mixture)));
    return new ModelSpec(
        "mixtral",
        width,
        new Input.Tokens(vocabulary, MOST_ROWS),
        Embedding.plain(),
        Plan.of(Collections.nCopies(LAYERS, block).toArray(Block[]::new)),
        new Head(Head.Pool.EACH, norm, vocabulary, false));
  }

  /** Returns random weights by which no token without a letter is ever the likeliest. */
  static Weights weights() {
    Weights random = Weights.random(spec(), 1);
    List<Tensor> tensors = new ArrayList<>();
    for (String name : random.names()) {
      Tensor tensor = random.tensor(name);
      if (name.equals("head.weight")) {
        float[] numbers = Tensors.numbers(random, name);
        Arrays.fill(numbers, 0, FIRST_LETTER * WIDTH, 0);
        tensor = MemoryWeights.tensor(name, tensor.shape(), numbers);
      }
      tensors.add(tensor);
    }
    return MemoryWeights.of(tensors);
  }

  /** Returns how many rows of a text each expert runs, layer by layer. */
  static List<int[]> counts(String backend, Weights weights, int[] text) {
    int[] numbers = IntStream.range(0, text.length).toArray();
    Event[] events = new Event[text.length];
    Arrays.fill(events, Event.ofTokens(text));
    Rows rows =
        new Rows(events, new Activations[text.length], numbers, numbers, new byte[text.length]);
    try (LoadedModel model = Backends.named(backend).load(spec(), weights, LoadOptions.defaults());
        SequenceState state = model.newState(null);
        StageResult result =
            model.stages().get(0).run(new StageBatch(0, List.of(new Span(state, rows)), true))) {
      List<int[]> counts = new ArrayList<>();
      for (Trace.Choices layer : result.trace().choices()) {
        int[] each = new int[EXPERTS];
        layer.ran().get(0, each);
        counts.add(each);
      }
      return counts;
    }
  }

  /** Returns how many numbers of the weights a token is multiplied with. */
  static long weightsPerToken() {
    long layer = 4L * WIDTH * WIDTH + EXPERTS * WIDTH + 3L * K * WIDTH * INNER;
    return LAYERS * layer + (long) VOCABULARY * WIDTH;
  }

  /** Returns how many numbers of keys and values a token reads behind so many others. */
  static long keptPerToken(int before) {
    return 2L * LAYERS * WIDTH * before;
  }

  /** Returns the letters of tokens. */
  static String letters(int... ids) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append((char) (LETTER + id));
    }
    return text.toString();
  }

  /** Returns the tokens of letters. */
  static int[] tokens(String letters) {
    return letters.chars().map(letter -> letter - LETTER).toArray();
  }

  /** Writes the model as llama.cpp reads it. */
  static void write(Path file, Weights weights) {
    Gguf out = new Gguf();
    out.text("general.architecture", "llama").text("general.name", "mixtral");
    out.number("llama.context_length", MOST_ROWS);
    out.number("llama.embedding_length", WIDTH);
    out.number("llama.block_count", LAYERS);
    out.number("llama.feed_forward_length", INNER);
    out.number("llama.attention.head_count", HEADS);
    out.number("llama.attention.head_count_kv", HEADS);
    out.number("llama.attention.layer_norm_rms_epsilon", EPSILON);
    out.number("llama.rope.dimension_count", WIDTH / HEADS);
    out.number("llama.rope.freq_base", (float) BASE);
    out.number("llama.expert_count", EXPERTS);
    out.number("llama.expert_used_count", K);
    out.number("llama.vocab_size", VOCABULARY);
    vocabulary(out);
    plain(out, weights, "token_embd.weight", "embedding.tokens", WIDTH, VOCABULARY);
    plain(out, weights, "output_norm.weight", "head.norm.weight", WIDTH);
    plain(out, weights, "output.weight", "head.weight", WIDTH, VOCABULARY);
    for (int layer = 0; layer < LAYERS; layer++) {
      String to = "blk." + layer + ".";
      String from = "blocks." + layer + ".";
      plain(out, weights, to + "attn_norm.weight", from + "attention.before.weight", WIDTH);
      plain(out, weights, to + "ffn_norm.weight", from + "mixture.before.weight", WIDTH);
      for (String part : List.of("q", "k")) {
        float[] numbers = Tensors.numbers(weights, from + "attention." + part + ".weight");
        out.tensor(to + "attn_" + part + ".weight", List.of(interleaved(numbers)), WIDTH, WIDTH);
      }
      plain(out, weights, to + "attn_v.weight", from + "attention.v.weight", WIDTH, WIDTH);
      plain(out, weights, to + "attn_output.weight", from + "attention.o.weight", WIDTH, WIDTH);
      String router = from + "mixture.router.weight";
      plain(out, weights, to + "ffn_gate_inp.weight", router, WIDTH, EXPERTS);
      experts(out, weights, layer, "gate", WIDTH, INNER);
      experts(out, weights, layer, "up", WIDTH, INNER);
      experts(out, weights, layer, "down", INNER, WIDTH);
    }
    out.write(file);
  }

  private static void vocabulary(Gguf out) {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>", "<0x0A>"));
    int[] types = new int[VOCABULARY];
    Arrays.fill(types, NORMAL);
    types[0] = UNKNOWN;
    types[1] = CONTROL;
    types[2] = CONTROL;
    types[3] = BYTE;
    IntStream.range(FIRST_LETTER, VOCABULARY).forEach(id -> tokens.add(letters(id)));
    out.text("tokenizer.ggml.model", "llama");
    out.texts("tokenizer.ggml.tokens", tokens);
    out.numbers("tokenizer.ggml.scores", new float[VOCABULARY]);
    out.numbers("tokenizer.ggml.token_type", types);
    out.number("tokenizer.ggml.unknown_token_id", 0);
    out.number("tokenizer.ggml.bos_token_id", 1);
    out.number("tokenizer.ggml.eos_token_id", 2);
    out.flag("tokenizer.ggml.add_bos_token", false);
    out.flag("tokenizer.ggml.add_eos_token", false);
    out.flag("tokenizer.ggml.add_space_prefix", false);
  }

  private static void plain(Gguf out, Weights weights, String to, String from, int... extents) {
    out.tensor(to, List.of(Tensors.numbers(weights, from)), extents);
  }

  private static void experts(Gguf out, Weights weights, int layer, String part, int in, int rows) {
    List<float[]> each = new ArrayList<>();
    for (int e = 0; e < EXPERTS; e++) {
      String name = "blocks." + layer + ".mixture.experts." + e + "." + part + ".weight";
      each.add(Tensors.numbers(weights, name));
    }
    out.tensor("blk." + layer + ".ffn_" + part + "_exps.weight", each, in, rows, EXPERTS);
  }

  /** Lays out rows so that neighbours are rotated against each other, not halves of a head. */
  static float[] interleaved(float[] halves) {
    int width = WIDTH / HEADS;
    float[] pairs = new float[halves.length];
    for (int row = 0; row < WIDTH; row++) {
      int inHead = row % width;
      int from = row - inHead + inHead % 2 * (width / 2) + inHead / 2;
      System.arraycopy(halves, from * WIDTH, pairs, row * WIDTH, WIDTH);
    }
    return pairs;
  }
}
