package anabranch.onnx.graph;

import anabranch.model.layer.Attention;
import anabranch.model.layer.Latent;
import anabranch.model.position.Rotary;
import anabranch.onnx.format.MatrixRows;
import java.util.List;
import java.util.Map;

/**
 * Graphs of attention to short vectors. Keys are never made: {@code q . (U c)} is {@code (U^T q) .
 * c}, so queries are multiplied by U once, and what heads read of c becomes values afterwards.
 *
 * <p>Products by head get one more row than there is, a copy of the last, because the bits of a
 * single row's product are those of another kernel. Stateless.
 */
final class LatentGraphs {
  private LatentGraphs() {}

  /** Writes what a row keeps: the short vector, then what turns with its position. */
  static void keys(
      Graph graph, Attention attention, Latent latent, String path, int width, String n) {
    Layers layers = new Layers(graph, width);
    String both = layers.linear(path + ".kv.down", latent.kept(), width, false, n);
    Rotary rotary = attention.rotary();
    if (latent.turned() == 0) {
      graph.output(
          "k", norm(layers, latent, path + ".kv.norm", latent.rank(), both), -1, latent.kept());
      return;
    }
    List<String> parts =
        graph.nodes(
            "Split", 2, Map.of("axis", -1), both, graph.integers(latent.rank(), latent.turned()));
    String c = norm(layers, latent, path + ".kv.norm", latent.rank(), parts.get(0));
    if (rotary == null) {
      graph.output(
          "k", graph.node("Concat", Map.of("axis", -1), c, parts.get(1)), -1, latent.kept());
      return;
    }
    String turned = Layers.rotated(graph, parts.get(1), 1, latent.turned(), rotary);
    String batched = graph.node("Unsqueeze", Map.of(), c, graph.integers(0));
    graph.output(
        "k", graph.node("Concat", Map.of("axis", -1), batched, turned), 1, -1, latent.kept());
  }

  /** Writes queries of the length of what rows keep. */
  static void query(
      Graph graph, Attention attention, Latent latent, String path, int width, String n) {
    Layers layers = new Layers(graph, width);
    int heads = attention.heads();
    int turned = latent.turned();
    int content = attention.headWidth() - turned;
    Integer rank = latent.queryRank();
    String q;
    if (rank == null) {
      q = layers.linear(path + ".q", attention.queryWidth(), width, false, n);
    } else {
      String down = layers.linear(path + ".q.down", rank, width, false, n);
      String normed = norm(layers, latent, path + ".q.norm", rank, down);
      q = layers.linear(path + ".q.up", attention.queryWidth(), rank, false, normed);
    }
    String byHead =
        graph.node("Reshape", Map.of(), q, graph.integers(-1, heads, attention.headWidth()));
    boolean rotated = attention.rotary() != null;
    if (turned == 0) {
      String asked = each(graph, attention, latent, path, byHead, 0, content, false);
      graph.output(
          "q", flat(graph, asked, heads * latent.kept(), false), -1, heads * latent.kept());
      return;
    }
    List<String> parts =
        graph.nodes("Split", 2, Map.of("axis", -1), byHead, graph.integers(content, turned));
    String asked = each(graph, attention, latent, path, parts.get(0), 0, content, false);
    String rest = parts.get(1);
    if (attention.rotary() != null) {
      String apart = flat(graph, rest, heads * turned, false);
      String around = Layers.rotated(graph, apart, heads, turned, attention.rotary());
      rest = graph.node("Reshape", Map.of(), around, graph.integers(-1, heads, turned));
    }
    String all = graph.node("Concat", Map.of("axis", -1), asked, rest);
    int length = heads * latent.kept();
    if (rotated) {
      graph.output("q", flat(graph, all, length, true), 1, -1, length);
    } else {
      graph.output("q", flat(graph, all, length, false), -1, length);
    }
  }

  /** Writes the values of what heads read of short vectors. */
  static String values(Graph graph, Attention attention, Latent latent, String path, String read) {
    int heads = attention.heads();
    int content = attention.headWidth() - latent.turned();
    String byHead = graph.node("Reshape", Map.of(), read, graph.integers(-1, heads, latent.rank()));
    int count = latent.valueWidth();
    String values = each(graph, attention, latent, path, byHead, content, count, true);
    return flat(graph, values, attention.resultWidth(), false);
  }

  /**
   * Multiplies rows x heads x in, head by head, with some rows of each head's part of {@code
   * kv.up}: heads x rows x rank, or transposed.
   */
  private static String each(
      Graph graph,
      Attention attention,
      Latent latent,
      String path,
      String value,
      int from,
      int count,
      boolean transposed) {
    String byHead = graph.node("Transpose", Map.of("perm", new long[] {1, 0, 2}), value);
    int all = attention.headWidth() - latent.turned() + latent.valueWidth();
    boolean single = (transposed ? count : latent.rank()) == 1;
    MatrixRows part =
        new MatrixRows(attention.heads(), all, from, count, latent.rank(), transposed != single);
    String product = Layers.each(graph, path + ".kv.up.weight", part, single, byHead);
    return graph.node("Transpose", Map.of("perm", new long[] {1, 0, 2}), product);
  }

  private static String flat(Graph graph, String value, int length, boolean batched) {
    return graph.node(
        "Reshape",
        Map.of(),
        value,
        batched ? graph.integers(1, -1, length) : graph.integers(-1, length));
  }

  private static String norm(Layers layers, Latent latent, String path, int length, String value) {
    return latent.norm() == null ? value : layers.parts(latent.norm(), path, length, length, value);
  }
}
