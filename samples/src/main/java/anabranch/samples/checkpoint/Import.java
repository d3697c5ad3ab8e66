package anabranch.samples.checkpoint;

import anabranch.checkpoint.Checkpoint;
import anabranch.dsl.text.KotlinText;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.Policy;
import anabranch.error.AnabranchException;
import anabranch.json.Descriptions;
import anabranch.model.ModelSpec;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Reads a published checkpoint: prints its description as JSON and as Kotlin, then how large the
 * model is, and answers token ids with it.
 */
public final class Import {
  private Import() {}

  /** Runs it; see {@link Arguments#USAGE}. */
  public static void main(String[] args) {
    try {
      run(Arguments.of(args), System.out::println);
    } catch (IllegalArgumentException | AnabranchException refused) {
      System.err.println("import: " + refused.getMessage());
      System.exit(1);
    }
  }

  /** Reports line by line. */
  static void run(Arguments asked, Consumer<String> out) {
    try (Checkpoint checkpoint = Checkpoint.open(asked.folder(), asked.options())) {
      ModelSpec spec = checkpoint.spec();
      out.accept(Descriptions.text(spec));
      out.accept(KotlinText.toKotlin(spec, "describe"));
      figures(checkpoint, out);
      if (!asked.ids().isEmpty()) {
        Policy policy = Policy.named("asked");
        for (Map.Entry<String, Double> each : asked.thresholds().entrySet()) {
          policy = policy.with(each.getKey(), each.getValue());
        }
        policy.checkAgainst(spec);
        try (Engine engine =
            Engine.open(
                Backends.named(asked.backend()).load(spec, checkpoint.weights(), asked.loading()),
                policy)) {
          Continuation.report(engine, asked, out);
        }
      }
    }
  }

  private static void figures(Checkpoint checkpoint, Consumer<String> out) {
    Figures figures = Figures.of(checkpoint.spec());
    out.accept(
        String.format(
            Locale.ROOT,
            "family %s: %,d parameters; %,d floating-point operations for the first token, %,d if"
                + " every expert ran; state: %,d bytes for each token, %,d for a sequence",
            checkpoint.family(),
            figures.parameters(),
            figures.active(),
            figures.full(),
            figures.stateOfToken(),
            figures.state()));
  }
}
