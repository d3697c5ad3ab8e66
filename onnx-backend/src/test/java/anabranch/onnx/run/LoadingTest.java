package anabranch.onnx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.Numerics;
import anabranch.checkpoint.Checkpoint;
import anabranch.conformance.reference.ReferenceBackend;
import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
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
import anabranch.model.plan.GraphRank;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import anabranch.onnx.OnnxBackend;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.DType;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How weights are stored, where they stand while they are loaded and how often. */
class LoadingTest {
  private static final Path RECORDED =
      Path.of(
          "../conformance-tests/src/main/resources/anabranch/conformance/golden/models/gpt_oss");
  private static final Norm RMS = new Norm.Rms(1e-5);

  @TempDir Path folder;

  @Test
  void halvesGiveTheLogitsOfTheSameNumbersInFp32() throws IOException {
    for (DType type : List.of(DType.F16, DType.BF16)) {
      Path halves = stored("halves" + type, tensor -> rounded(tensor, type));
      Path wide = stored("wide" + type, tensor -> wide(rounded(tensor, type)));
      float[] logits = logits(halves);
      assertArrayEquals(logits(wide), logits, type.toString());
      assertFalse(java.util.Arrays.equals(logits(RECORDED), logits), type + " rounds nothing");
    }
  }

  @Test
  void weightsThatStandInAFileWhileTheyAreLoadedAreTheSame() {
    ModelSpec spec = large();
    try (Weights weights = Weights.random(spec, 3)) {
      Weights halves = mapped(weights, UnaryOperator.identity(), t -> rounded(t, DType.BF16));
      Weights wide = mapped(halves, UnaryOperator.identity(), LoadingTest::wide);
      float[] logits = logits(spec, halves);
      assertArrayEquals(logits(spec, wide), logits);
      LoadOptions options = LoadOptions.defaults();
      try (Engine engine =
          Engine.open(new ReferenceBackend().load(spec, wide, options), Policy.fullDepth())) {
        assertArrayEquals(logits(engine), logits, 1e-4f);
      }
    }
  }

  @Test
  void matricesOfAFileAreReadWhereTheyLie() {
    ModelSpec spec = large();
    Path file = written(spec, 3);
    try (Weights weights = Safetensors.open(file)) {
      float[] logits = logits(spec, weights);
      assertArrayEquals(
          logits(spec, mapped(weights, UnaryOperator.identity(), LoadingTest::wide)), logits);
      // Zeros that claim to lie there: what is answered says who was asked.
      Weights claimed = changed(weights, LoadingTest::zeros);
      assertArrayEquals(logits, logits(spec, claimed));
      Weights partly = changed(weights, t -> t.name().endsWith("down.weight") ? wide(t) : t);
      assertArrayEquals(logits, logits(spec, partly));
    }
  }

  @Test
  void aFileThatTookTheNameMeanwhileIsNotRead() {
    ModelSpec spec = large();
    Path file = written(spec, 3);
    try (Weights weights = Safetensors.open(file)) {
      float[] logits = logits(spec, weights);
      written(spec, 4);
      assertArrayEquals(logits, logits(spec, weights));
      try (Weights others = Safetensors.open(file)) {
        assertFalse(java.util.Arrays.equals(logits, logits(spec, others)));
      }
    }
  }

  private Path written(ModelSpec spec, long seed) {
    Path file = folder.resolve("large.safetensors");
    try (Weights random = Weights.random(spec, seed)) {
      Safetensors.write(file, random.names().stream().map(random::tensor).toList());
    }
    return file;
  }

  private static Tensor zeros(Tensor tensor) {
    return tensor.name().endsWith(".down.weight") || tensor.name().endsWith(".up.weight")
        ? new Tensor(
            tensor.name(),
            tensor.type(),
            tensor.shape(),
            ByteBuffer.allocate(tensor.bytes().remaining()),
            tensor.place())
        : tensor;
  }

  @Test
  void headsOfTheSameNumbersAreLoadedOnce() {
    ModelSpec spec = large();
    try (Weights weights = Weights.random(spec, 3)) {
      int own = sessions(spec, weights);
      UnaryOperator<String> shared = name -> name.replace("exits.early", "head");
      Weights tied = mapped(weights, shared, UnaryOperator.identity());
      assertEquals(own - 1, sessions(spec, tied));
      Tensor changed = tied.tensor("exits.early.weight");
      Weights other =
          mapped(
              tied, UnaryOperator.identity(), t -> t.name().equals(changed.name()) ? bent(t) : t);
      assertEquals(own, sessions(spec, other));
    }
  }

  /** Blocks of one shape of attention have one core, and one more graph where somebody asks. */
  @Test
  void whatQueriesGiveIsComputedOnlyWhereAPruneAsks() {
    GraphRank rank = new GraphRank(GraphRank.Direction.TO_READ, 5, 0, 0, 1);
    ModelSpec plain = pruned(null);
    try (Weights weights = Weights.random(plain, 4)) {
      int without = sessions(plain, weights);
      assertEquals(without + 1, sessions(pruned(Prune.graphRank("p", List.of(), rank)), weights));
      Prune keys = Prune.redundancy("p", List.of(), rank, Prune.Compared.KEYS);
      assertEquals(without + 1, sessions(pruned(keys), weights));
    }
  }

  private static ModelSpec pruned(@Nullable Prune prune) {
    Block block = Block.of(Sublayer.preNorm(RMS, Attention.full(2, 4)));
    Plan.Builder plan = Plan.builder().add(block);
    if (prune != null) {
      plan.add(prune);
    }
    Head head = new Head(Head.Pool.MEAN, RMS, 3, false);
    return new ModelSpec(
        "pruned", 8, new Input.Tokens(5, 8), Embedding.plain(), plan.add(block).build(), head);
  }

  private static int sessions(ModelSpec spec, Weights weights) {
    Opener opener = new Opener(weights, NativeRuntime.get(1), Session.CPU, 1);
    Numerics numerics = new Numerics(Numerics.Kind.TOLERANT, 1e-5, 1e-5, "cpu", "fp32", List.of());
    Loader.load(spec, opener, MemberGraphs.Form.SINGLE, numerics, false, false).close();
    return opener.opened().size();
  }

  /** Two blocks whose matrices are above the size for which a file is used, and an exit. */
  private static ModelSpec large() {
    Block block = Block.of(Sublayer.preNorm(RMS, FeedForward.gated(1024, Activation.SILU)));
    Head head = new Head(Head.Pool.EACH, RMS, 11, false);
    Plan plan =
        Plan.builder()
            .add(block)
            .add(new Exit("early", head, Criterion.confidence(), Bypass.TERMINATE))
            .add(block)
            .build();
    return new ModelSpec("large", 512, new Input.Tokens(11, 8), Embedding.plain(), plan, head);
  }

  private Path stored(String name, UnaryOperator<Tensor> as) throws IOException {
    Path copy = Files.createDirectory(folder.resolve(name));
    Files.copy(RECORDED.resolve("config.json"), copy.resolve("config.json"));
    List<Tensor> tensors = new ArrayList<>();
    try (Safetensors all = Safetensors.open(RECORDED.resolve("model.safetensors"))) {
      all.names().forEach(each -> tensors.add(as.apply(all.tensor(each))));
      Safetensors.write(copy.resolve("model.safetensors"), tensors);
    }
    return copy;
  }

  private static float[] logits(Path checkpoint) {
    try (Checkpoint open = Checkpoint.open(checkpoint)) {
      return logits(open.spec(), open.weights());
    }
  }

  private static float[] logits(ModelSpec spec, Weights weights) {
    LoadOptions options = LoadOptions.defaults();
    try (Engine engine =
        Engine.open(new OnnxBackend().load(spec, weights, options), Policy.fullDepth())) {
      return logits(engine);
    }
  }

  private static float[] logits(Engine engine) {
    Inference answer = engine.infer(Item.of("ids", Event.ofTokens(5, 1, 7, 3)));
    FloatBuffer all = FloatBuffer.allocate(answer.units() * answer.outputs());
    for (int unit = 0; unit < answer.units(); unit++) {
      all.put(answer.logits(unit).duplicate());
    }
    assertTrue(answer.units() == 4, answer + " has not four rows");
    return all.array();
  }

  private static float[] numbers(Tensor tensor) {
    float[] numbers = new float[(int) tensor.elements()];
    tensor.copyTo(FloatBuffer.wrap(numbers));
    return numbers;
  }

  /** Cuts the digits that a 16-bit number lacks off. */
  private static Tensor rounded(Tensor tensor, DType type) {
    float[] numbers = numbers(tensor);
    ByteBuffer bytes = ByteBuffer.allocate(2 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float number : numbers) {
      bytes.putShort(type == DType.F16 ? f16(number) : (short) (bits(number) >>> 16));
    }
    return new Tensor(tensor.name(), type, tensor.shape(), bytes.flip());
  }

  private static int bits(float number) {
    return Float.floatToRawIntBits(number);
  }

  /** Cuts a number below 2^16 to a binary16; what is below the normal ones becomes 0. */
  private static short f16(float number) {
    int sign = bits(number) >>> 16 & 0x8000;
    int exponent = (bits(number) >>> 23 & 0xff) - 112;
    assertTrue(exponent < 31, number + " is too large");
    return (short) (exponent < 1 ? sign : sign | exponent << 10 | bits(number) >>> 13 & 0x3ff);
  }

  private static Tensor wide(Tensor tensor) {
    return tensor(tensor, numbers(tensor));
  }

  private static Tensor bent(Tensor tensor) {
    float[] numbers = numbers(tensor);
    numbers[numbers.length - 1]++;
    return tensor(tensor, numbers);
  }

  private static Tensor tensor(Tensor like, float[] numbers) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(numbers);
    return new Tensor(like.name(), DType.F32, like.shape(), bytes);
  }

  /** Returns weights whose tensors are those of other names, changed, and lie in no file. */
  private static Weights mapped(
      Weights from, UnaryOperator<String> name, UnaryOperator<Tensor> change) {
    return changed(
        from,
        name,
        (asked, found) ->
            change.apply(new Tensor(asked, found.type(), found.shape(), found.bytes())));
  }

  private static Weights changed(Weights from, UnaryOperator<Tensor> change) {
    return changed(from, UnaryOperator.identity(), (asked, found) -> change.apply(found));
  }

  private static Weights changed(
      Weights from, UnaryOperator<String> name, BiFunction<String, Tensor, Tensor> change) {
    return new Weights() {
      @Override
      public Set<String> names() {
        return from.names();
      }

      @Override
      public Tensor tensor(String asked) {
        return change.apply(asked, from.tensor(name.apply(asked)));
      }

      @Override
      public void close() {}
    };
  }
}
