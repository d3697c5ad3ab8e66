package anabranch.onnx.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
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
import anabranch.onnx.Experts;
import anabranch.onnx.Models;
import anabranch.onnx.OnnxBackend;
import anabranch.onnx.OnnxOptions;
import anabranch.onnx.Precision;
import anabranch.weights.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Several threads give the bits of one, alone and in batches, with experts together as with single
 * ones; a process has one pool, so it takes several.
 */
class ThreadsTest {
  private static final int[] BATCHES = {1, 2, 3, 5};
  private static final int MOST_THREADS = 4;
  private static final String CREW = "anabranch-onnx-crew";
  private static final List<Experts> WAYS = List.of(Experts.SINGLE, Experts.TOGETHER);

  @Test
  void severalThreadsGiveTheBitsOfOneInAnyBatch(@TempDir Path folder) throws Exception {
    List<Process> children = new ArrayList<>();
    for (int threads = 2; threads <= MOST_THREADS; threads++) {
      children.add(child(threads, folder));
    }
    List<String> here = lines(1);
    for (int threads = 2; threads <= MOST_THREADS; threads++) {
      Process child = children.get(threads - 2);
      assertTrue(child.waitFor(4, TimeUnit.MINUTES), "the child still runs");
      List<String> said = Files.readAllLines(output(threads, folder));
      assertEquals(0, child.exitValue(), String.join("\n", said));
      assertEquals(here, said, threads + " threads");
    }
    for (Precision precision : Precision.values()) {
      for (ModelSpec spec : models()) {
        String start = precision + " " + spec.name() + " ";
        List<String> own = here.stream().filter(line -> line.startsWith(start)).toList();
        assertEquals(WAYS.size() * BATCHES.length, own.size(), start);
        assertEquals(1, own.stream().map(line -> line.split(" ")[4]).distinct().count(), start);
      }
    }
  }

  private static Process child(int threads, Path folder) throws IOException {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Child.class.getName(),
            Integer.toString(threads));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(output(threads, folder).toFile())
        .start();
  }

  private static Path output(int threads, Path folder) {
    return folder.resolve("output" + threads + ".txt");
  }

  /** Prints what so many threads answer. */
  static final class Child {
    private Child() {}

    /** Runs everything, and waits for the last thread. */
    public static void main(String[] arguments) throws InterruptedException {
      lines(Integer.parseInt(arguments[0])).forEach(System.out::println);
      for (Thread thread : crew()) {
        thread.join();
      }
    }
  }

  /** Returns the threads that help others. */
  private static List<Thread> crew() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals(CREW))
        .toList();
  }

  /** Returns, for each precision, model and batch size, the bits of the first item. */
  private static List<String> lines(int threads) {
    List<String> lines = new ArrayList<>();
    for (Precision precision : Precision.values()) {
      for (Experts experts : WAYS) {
        LoadOptions options =
            OnnxOptions.defaults()
                .withThreads(threads)
                .withPrecision(precision)
                .withExperts(experts)
                .into(LoadOptions.defaults());
        models()
            .forEach(
                spec ->
                    lines.addAll(
                        lines(
                            precision + " " + spec.name() + " " + experts,
                            spec,
                            options,
                            threads)));
      }
    }
    return lines;
  }

  private static List<String> lines(
      String start, ModelSpec spec, LoadOptions options, int threads) {
    List<String> lines = new ArrayList<>();
    try (LoadedModel model = new OnnxBackend().load(spec, Weights.random(spec, 5), options)) {
      List<String> notes = model.numerics().notes();
      if (notes.stream().anyMatch(note -> note.contains("thread"))) {
        throw new AssertionError(notes);
      }
      List<Thread> crew = crew().stream().filter(Thread::isDaemon).toList();
      if (crew.size() < threads - 1 || threads == 1 && !crew.isEmpty()) {
        throw new AssertionError(crew + " help with " + threads + " threads");
      }
      for (int batch : BATCHES) {
        float[] first = new Passes(model).run(events(batch), exits(spec, batch), 200).get(0);
        lines.add(start + " " + batch + " " + Arrays.hashCode(first));
      }
    }
    return lines;
  }

  private static List<Event> events(int count) {
    List<Event> events = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      int[] tokens = new int[150 - 40 * n / 2];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = (7 * i + 3 * n + i * i) % 23;
      }
      events.add(Event.ofTokens(tokens));
    }
    return events;
  }

  private static List<int[]> exits(ModelSpec spec, int count) {
    int last = Cut.of(spec).steps().size() - 1;
    List<int[]> exits = new ArrayList<>();
    for (Event event : events(count)) {
      int[] each = new int[event.rows()];
      Arrays.setAll(each, row -> row % 3 == 0 ? 0 : last);
      exits.add(each);
    }
    return exits;
  }

  private static List<ModelSpec> models() {
    return List.of(Models.causal(), Models.exits(), Models.skips(), wide(), many());
  }

  /** A model with so many experts that small batches of them run in one graph, and large do not. */
  private static ModelSpec many() {
    Norm norm = new Norm.Rms(1e-5);
    FeedForward network = FeedForward.gated(32, Activation.SILU);
    Mixture mixture = new Mixture(24, network, Routers.mixtral(2));
    return new ModelSpec(
        "many",
        32,
        new Input.Tokens(23, 300),
        Embedding.plain(),
        Plan.of(Block.of(Sublayer.preNorm(norm, mixture))),
        new Head(Head.Pool.EACH, norm, 23, false));
  }

  /** A model whose products are large enough to be shared out. */
  private static ModelSpec wide() {
    Norm norm = new Norm.Rms(1e-5);
    FeedForward network = FeedForward.gated(512, Activation.SILU);
    Block block =
        Block.of(
            Sublayer.preNorm(norm, Attention.causal(4, 64).withRotary(1000)),
            Sublayer.preNorm(norm, new Mixture(4, network, Routers.mixtral(2))));
    return new ModelSpec(
        "wide",
        256,
        new Input.Tokens(23, 300),
        Embedding.plain(),
        Plan.of(block, block),
        new Head(Head.Pool.EACH, norm, 23, false));
  }
}
