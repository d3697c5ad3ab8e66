package anabranch.onnx.graph;

import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Recurrence;
import anabranch.model.route.Router;
import org.jspecify.annotations.Nullable;

/** A run of token-wise layers being written. Confined to one call. */
final class TokenRun {
  private final Graph graph;
  private final Layers layers;
  private final int width;
  private @Nullable String x;
  private @Nullable String current;
  private int update;
  private boolean normed;
  private int logits;

  TokenRun(String name, int width) {
    graph = new Graph(name);
    layers = new Layers(graph, width);
    this.width = width;
  }

  /**
   * Finishes the update of the step before.
   *
   * @param length of the update
   * @param projection the path of what maps it to a hidden vector; null where it is one
   */
  void finish(BlockGraphs.Place place, int length, @Nullable String projection, boolean bias) {
    update = length;
    String u = graph.input("u", -1, length);
    String o = projection == null ? u : layers.linear(projection, width, length, bias, u);
    current = place.summed() ? residual(place, read(), o) : o;
  }

  /** Finishes what the heads of an attention read. */
  void finish(BlockGraphs.Place place, Attention attention) {
    CoreShape shape = CoreShape.of(attention);
    update = shape.resultWidth();
    String u = graph.input("u", -1, update);
    Latent latent = attention.latent();
    String read =
        latent == null ? u : LatentGraphs.values(graph, attention, latent, place.path(), u);
    boolean bias = attention.bias().ofResult();
    String o = layers.linear(place.path() + ".o", width, attention.resultWidth(), bias, read);
    current = place.summed() ? residual(place, read(), o) : o;
  }

  /** Finishes what a linear memory keeps and reads. */
  void finish(BlockGraphs.Place place, int length, Recurrence.LinearMemory memory) {
    update = length;
    String u = graph.input("u", -1, length);
    String o = layers.linear(place.path() + ".out", width, length, memory.bias(), u);
    o = layers.activation(Activation.RELU, o);
    current = place.summed() ? residual(place, read(), o) : o;
  }

  /** Finishes what was made of the slices of a network. */
  void finish(BlockGraphs.Place place, Mixture.Sliced sliced) {
    update = sliced.inner();
    String o = layers.behind(sliced, place.path(), graph.input("u", -1, update));
    current = place.summed() ? residual(place, read(), o) : o;
  }

  void network(BlockGraphs.Place place, FeedForward network) {
    String before = read();
    String n = layers.norm(place.before(), place.path() + ".before", before);
    String result = layers.network(network, place.path(), n);
    current = place.summed() ? residual(place, before, result) : result;
  }

  /** Makes what a router and its members read: n where there is a norm, logits where asked. */
  void lead(BlockGraphs.Place place, @Nullable Router router, int logits) {
    String n = layers.norm(place.before(), place.path() + ".before", read());
    if (router != null && logits > 0) {
      this.logits = logits;
      String path = place.path() + ".router";
      graph.output("logits", layers.logits(router, path, logits, n), -1, logits);
    }
    normed = place.before() != null;
    if (normed) {
      graph.output("n", n, -1, width);
    }
  }

  Graph graph() {
    return graph;
  }

  Step done() {
    boolean moves = current != null && !current.equals(x);
    if (moves && current != null) {
      graph.output("h", current, -1, width);
    }
    return new Step.Tokenwise(graph, x != null, update, moves, normed, logits);
  }

  private String residual(BlockGraphs.Place place, String before, String result) {
    return layers.residual(place, before, result);
  }

  private String read() {
    if (current == null) {
      x = graph.input("x", -1, width);
      current = x;
    }
    return current;
  }
}
