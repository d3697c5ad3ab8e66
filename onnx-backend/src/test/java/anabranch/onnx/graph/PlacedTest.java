package anabranch.onnx.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** An expert that is told where what stands between its products is written. */
class PlacedTest {
  private static final int WIDTH = 24;
  private static final int INNER = 40;
  private static final int ROWS = 5;

  @Test
  void everythingIsWrittenThereAndTheAnswerHasTheSameBits() {
    for (Products products : Products.values()) {
      try (Session expert = open(FeedForward.gated(INNER, Activation.SILU), products)) {
        assertEquals(2 * INNER, expert.between());
        FloatBuffer room = filled(ROWS * expert.between());
        FloatBuffer placed = filled(ROWS * WIDTH);
        FloatBuffer own = filled(ROWS * WIDTH);
        FloatBuffer x = BufferPool.direct(ROWS * WIDTH);
        for (int i = 0; i < x.capacity(); i++) {
          x.put(i, i % 7 - 3);
        }
        run(expert, x, placed, room);
        run(expert, x, own, null);
        assertEquals(own, placed, products.name());
        for (int i = 0; i < room.capacity(); i++) {
          assertTrue(Float.isFinite(room.get(i)), products + " wrote no number " + i);
        }
      }
    }
  }

  @Test
  void anExpertWithOneProductBehindTheOtherPlacesNothing() {
    try (Session expert = open(FeedForward.plain(INNER, Activation.RELU), Products.FP32)) {
      assertEquals(0, expert.between());
    }
  }

  private static FloatBuffer filled(int numbers) {
    float[] nothing = new float[numbers];
    Arrays.fill(nothing, Float.NaN);
    return BufferPool.direct(numbers).put(0, nothing);
  }

  private static void run(
      Session expert, FloatBuffer x, FloatBuffer y, @Nullable FloatBuffer room) {
    try (Call call = expert.call()) {
      call.in("x", x, 0, ROWS, WIDTH).out("y", y, 0, ROWS, WIDTH);
      if (room != null) {
        call.place(room, ROWS);
      }
      call.run();
    }
  }

  private static Session open(FeedForward network, Products products) {
    Mixture mixture = new Mixture(1, network, Routers.mixtral(1));
    List<Tensor> tensors = new ArrayList<>();
    List<Parameter> parameters = new ArrayList<>();
    mixture.parameters("m", WIDTH, parameters::add);
    for (Parameter parameter : parameters) {
      float[] numbers = new float[Math.toIntExact(parameter.elements())];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = (i % 11 - 5) / 16f;
      }
      tensors.add(MemoryWeights.tensor(parameter.name(), parameter.shape(), numbers));
    }
    Opener opener =
        new Opener(MemoryWeights.of(tensors), NativeRuntime.get(1), Session.CPU, 1, products);
    Session session = opener.openOneOfMany(MemberGraphs.routed(WIDTH, "m", mixture).get(0));
    opener.await();
    return session;
  }
}
