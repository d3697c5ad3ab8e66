package anabranch.onnx.graph;

import anabranch.model.Attention;
import anabranch.model.FeedForward;
import anabranch.model.Mixture;
import anabranch.model.ModelSpec;
import anabranch.model.Sublayer;
import anabranch.model.facts.StageSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Turns the blocks of a stage into steps. Confined to one call. */
public final class StageGraphs {
  private final int width;
  private final List<Step> steps = new ArrayList<>();
  private @Nullable Run open;

  private StageGraphs(int width) {
    this.width = width;
  }

  /** Returns the steps of a stage, in order. */
  public static List<Step> of(ModelSpec spec, StageSpec stage) {
    StageGraphs graphs = new StageGraphs(spec.width());
    for (int b = 0; b < stage.blocks().size(); b++) {
      for (Sublayer sublayer : stage.blocks().get(b).sublayers()) {
        graphs.add(sublayer, "blocks." + (stage.firstBlock() + b) + "." + sublayer.name());
      }
    }
    graphs.close();
    return List.copyOf(graphs.steps);
  }

  private void add(Sublayer sublayer, String path) {
    if (sublayer.operation() instanceof Attention attention) {
      attend(sublayer, attention, path);
    } else if (sublayer.operation() instanceof FeedForward network) {
      Run run = open == null ? new Run(path) : open;
      run.feedForward(sublayer, network, path);
      open = run;
    } else if (sublayer.operation() instanceof Mixture mixture) {
      mix(sublayer, mixture, path);
    } else {
      throw new AssertionError(sublayer.operation());
    }
  }

  private void attend(Sublayer sublayer, Attention attention, String path) {
    close();
    Graph all = new Graph(path + ".keysAndValues");
    Layers layers = new Layers(all, width);
    String x = all.input("x", -1, width);
    String n = layers.norm(sublayer.before(), path + ".before", x);
    boolean normed = sublayer.before() != null;
    if (normed) {
      all.output("n", n, -1, width);
    }
    project(all, attention, path + ".k", attention.keyValueHeads(), n, "k");
    int keyValueWidth = attention.keyValueWidth();
    String v = layers.linear(path + ".v", keyValueWidth, width, attention.bias(), n);
    all.output("v", v, -1, keyValueWidth);
    Graph live = new Graph(path + ".query");
    String read = live.input("n", -1, width);
    project(live, attention, path + ".q", attention.heads(), read, "q");
    steps.add(new Step.Attend(attention, normed, all, live));
    Run run = new Run(path + ".o");
    run.finishAttention(sublayer, attention, path);
    open = run;
  }

  private void project(
      Graph graph, Attention attention, String path, int heads, String from, String to) {
    int out = heads * attention.headWidth();
    String value = new Layers(graph, width).linear(path, out, width, attention.bias(), from);
    if (attention.rotary() == null) {
      graph.output(to, value, -1, out);
    } else {
      graph.output(to, Rotation.write(graph, value, heads, attention.headWidth()), 1, -1, out);
    }
  }

  private void mix(Sublayer sublayer, Mixture mixture, String path) {
    boolean normed = sublayer.before() != null;
    if (normed || mixture.router().hasWeight()) {
      Run run = open == null ? new Run(path + ".router") : open;
      run.lead(sublayer, mixture, path);
      open = run;
    }
    close();
    List<Graph> experts = new ArrayList<>();
    for (int e = 0; e < mixture.experts(); e++) {
      String expert = path + ".experts." + e;
      Graph graph = new Graph(expert);
      String x = graph.input("x", -1, width);
      graph.output("y", new Layers(graph, width).network(mixture.expert(), expert, x), -1, width);
      experts.add(graph);
    }
    boolean finished = sublayer.after() == null && sublayer.afterSum() == null;
    steps.add(new Step.Mix(path, mixture, normed, finished, experts));
    if (!finished) {
      Run run = new Run(path + ".after");
      run.finishMixture(sublayer, path);
      open = run;
    }
  }

  private void close() {
    if (open != null) {
      steps.add(open.done());
      open = null;
    }
  }

  /** A run of token-wise layers being written. */
  private final class Run {
    private final Graph graph;
    private final Layers layers;
    private final String x;
    private String current;
    private int update;
    private boolean normed;
    private int logits;

    Run(String name) {
      graph = new Graph(name);
      layers = new Layers(graph, width);
      x = graph.input("x", -1, width);
      current = x;
    }

    void finishAttention(Sublayer sublayer, Attention attention, String path) {
      update = attention.queryWidth();
      String u = graph.input("u", -1, update);
      String o = layers.linear(path + ".o", width, update, attention.bias(), u);
      current = layers.residual(sublayer.after(), sublayer.afterSum(), path, x, o);
    }

    void finishMixture(Sublayer sublayer, String path) {
      update = width;
      String u = graph.input("u", -1, width);
      current = layers.residual(sublayer.after(), sublayer.afterSum(), path, x, u);
    }

    void feedForward(Sublayer sublayer, FeedForward network, String path) {
      String n = layers.norm(sublayer.before(), path + ".before", current);
      String result = layers.network(network, path, n);
      current = layers.residual(sublayer.after(), sublayer.afterSum(), path, current, result);
    }

    void lead(Sublayer sublayer, Mixture mixture, String path) {
      String n = layers.norm(sublayer.before(), path + ".before", current);
      if (mixture.router().hasWeight()) {
        logits = mixture.experts();
        boolean bias = mixture.router().hasBias();
        String z = layers.linear(path + ".router", logits, width, bias, n);
        graph.output("logits", z, -1, logits);
      }
      normed = sublayer.before() != null;
      if (normed) {
        graph.output("n", n, -1, width);
      }
    }

    Step done() {
      boolean moves = !current.equals(x);
      if (moves) {
        graph.output("h", current, -1, width);
      }
      return new Step.Tokenwise(graph, update, moves, normed, logits);
    }
  }
}
