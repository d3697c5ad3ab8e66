package anabranch.onnx.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import anabranch.model.layer.Activation;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Parameter;
import anabranch.model.route.Routers;
import anabranch.onnx.format.Products;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** All experts in one graph beside each on its own. */
class TogetherTest {
  private static final int WIDTH = 80;
  private static final int EXPERTS = 5;

  private static final int[][] COUNTS = {
    {0, 1, 6, 0, 2}, {1, 1, 1, 1, 1}, {0, 0, 0, 0, 1}, {3, 0, 0, 0, 0}, {37, 16, 1, 64, 0}
  };

  @Test
  void aRowHasTheBitsOfItsExpertAloneHoweverManyRowsTheOthersHave() {
    for (FeedForward expert :
        List.of(
            FeedForward.plain(96, Activation.RELU),
            FeedForward.plain(96, Activation.GELU),
            FeedForward.gated(96, Activation.SILU))) {
      for (Products products : List.of(Products.FP32, Products.FP16, Products.BF16)) {
        sameBits(new Mixture(EXPERTS, expert, Routers.mixtral(2)), products);
      }
    }
  }

  @Test
  void expertsOfMoreThanAGibibyteAreNoGraph() {
    FeedForward large = FeedForward.plain(1 << 13, Activation.RELU);
    Mixture most = new Mixture(16, large, Routers.mixtral(2));
    Mixture more = new Mixture(17, large, Routers.mixtral(2));
    assertNotNull(MemberGraphs.together(1 << 10, "m", most, Products.FP32));
    assertNull(MemberGraphs.together(1 << 10, "m", more, Products.FP32));
  }

  private static void sameBits(Mixture mixture, Products products) {
    Opener opener = new Opener(weights(mixture), NativeRuntime.get(1), Session.CPU, 1, products);
    try {
      List<Session> single =
          MemberGraphs.routed(WIDTH, "m", mixture).stream().map(opener::openOneOfMany).toList();
      Graph graph = MemberGraphs.together(WIDTH, "m", mixture, products);
      assertNotNull(graph);
      Session all = opener.open(graph);
      for (int[] counts : COUNTS) {
        int rows = Arrays.stream(counts).sum();
        FloatBuffer x = BufferPool.direct((long) rows * WIDTH);
        SplittableRandom random = new SplittableRandom(rows);
        for (int i = 0; i < x.capacity(); i++) {
          x.put(i, (float) random.nextDouble(-1, 1));
        }
        FloatBuffer own = BufferPool.direct(x.capacity());
        int first = 0;
        for (int e = 0; e < EXPERTS; e++) {
          for (int row = first; row < first + counts[e]; row++) {
            try (Call call = single.get(e).call()) {
              call.in("x", x, row * WIDTH, 1, WIDTH).out("y", own, row * WIDTH, 1, WIDTH).run();
            }
          }
          first += counts[e];
        }
        LongBuffer split =
            ByteBuffer.allocateDirect(Long.BYTES * EXPERTS)
                .order(ByteOrder.nativeOrder())
                .asLongBuffer();
        Arrays.stream(counts).forEach(split::put);
        FloatBuffer together = BufferPool.direct(x.capacity());
        try (Call call = all.call()) {
          call.in("x", x, 0, rows, WIDTH)
              .in("counts", split.flip(), EXPERTS)
              .out("y", together, 0, rows, WIDTH)
              .run();
        }
        String what = mixture.expert() + " " + products + " " + Arrays.toString(counts);
        assertArrayEquals(numbers(own), numbers(together), what);
      }
    } finally {
      opener.opened().forEach(Session::close);
    }
  }

  private static MemoryWeights weights(Mixture mixture) {
    SplittableRandom random = new SplittableRandom(1);
    List<Parameter> parameters = new ArrayList<>();
    mixture.parameters("m", WIDTH, parameters::add);
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : parameters) {
      float[] numbers = new float[Math.toIntExact(parameter.elements())];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = (float) random.nextDouble(-0.1, 0.1);
      }
      tensors.add(MemoryWeights.tensor(parameter.name(), parameter.shape(), numbers));
    }
    return MemoryWeights.of(tensors);
  }

  private static float[] numbers(FloatBuffer of) {
    float[] numbers = new float[of.capacity()];
    of.get(0, numbers);
    return numbers;
  }
}
