package anabranch.conformance.report;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.conformance.BackendConformance;
import anabranch.conformance.Kit;
import anabranch.conformance.Kit.Outcome;
import anabranch.conformance.Kit.Result;
import anabranch.conformance.Rule;
import anabranch.conformance.faulty.Faults;
import anabranch.conformance.reference.ReferenceBackend;
import anabranch.conformance.system.PublishedSystem;
import anabranch.conformance.system.Systems;
import anabranch.engine.Backends;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Runs the conformance kit and says what came out: per rule, per system, and which fault each rule
 * rejects.
 *
 * <p>{@code [--backend NAME]... [--set NAME=VALUE]... [--fuzz N [--first SEED]] [--systems FILE]};
 * without a backend, the reference and ONNX. A setting is one of {@link LoadOptions}, such as
 * {@code onnx.device=cuda:0}. Each backend says what ran. Exits with 1 if anything fails or is
 * skipped undeclared.
 */
public final class KitCommand {
  private final PrintStream out;
  private final List<String> backends = new ArrayList<>();
  private LoadOptions options = LoadOptions.defaults();
  private int fuzz;
  private long first;
  private Path page = Path.of("");
  private boolean failed;

  private KitCommand(PrintStream out) {
    this.out = out;
  }

  /** Runs the command. */
  public static void main(String[] arguments) throws IOException {
    System.exit(run(arguments, System.out));
  }

  /** Runs the command; returns its exit code. */
  static int run(String[] arguments, PrintStream out) throws IOException {
    KitCommand command = new KitCommand(out);
    command.read(arguments);
    if (command.fuzz > 0) {
      command.fuzz();
    } else {
      command.kit();
    }
    return command.failed ? 1 : 0;
  }

  private void read(String[] arguments) {
    for (int i = 0; i < arguments.length; i += 2) {
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException(arguments[i] + " needs a value behind it");
      }
      String value = arguments[i + 1];
      switch (arguments[i]) {
        case "--backend" -> backends.add(value);
        case "--set" -> set(value);
        case "--fuzz" -> fuzz = Integer.parseInt(value);
        case "--first" -> first = Long.parseLong(value);
        case "--systems" -> page = Path.of(value);
        default ->
            throw new IllegalArgumentException(
                arguments[i] + " is not one of --backend, --set, --fuzz, --first, --systems");
      }
    }
    if (backends.isEmpty()) {
      backends.addAll(List.of("reference", "onnx"));
    }
  }

  private void set(String setting) {
    int at = setting.indexOf('=');
    if (at < 1) {
      throw new IllegalArgumentException("--set " + setting + " is not NAME=VALUE");
    }
    options = options.with(setting.substring(0, at), setting.substring(at + 1));
  }

  private void ran(String backend) {
    out.println(backend + " ran " + Kit.numerics(Backends.named(backend), options));
  }

  private void fuzz() {
    for (String name : backends) {
      ran(name);
      long start = System.nanoTime();
      Fuzz result = Fuzz.run(Backends.named(name), options, first, fuzz);
      out.printf(
          "%s: %d descriptions, %d accepted, %d refused, %d amplified, %d not finite, %d wrong, %.0f s%n",
          name,
          fuzz,
          result.accepted(),
          result.refused(),
          result.amplified(),
          result.notFinite(),
          result.wrong().size(),
          (System.nanoTime() - start) / 1e9);
      result.reasons().forEach((reason, count) -> out.printf("  refused %5d  %s%n", count, reason));
      Map.Entry<String, Integer> rarest =
          result.vocabulary().entrySet().stream().min(Map.Entry.comparingByValue()).orElseThrow();
      out.printf(
          "  %d words of the language, the rarest (%s) in %d accepted descriptions%n",
          result.vocabulary().size(), rarest.getKey(), rarest.getValue());
      result.wrong().forEach(wrong -> out.println("  WRONG " + wrong));
      failed |= !result.wrong().isEmpty() || 2 * result.accepted() < fuzz;
    }
  }

  private void kit() throws IOException {
    Map<String, Kit> kits = new LinkedHashMap<>();
    for (String name : backends) {
      ran(name);
      long start = System.nanoTime();
      Kit kit = Kit.run(Backends.named(name), options);
      kits.put(name, kit);
      out.printf(
          "%s: %d passed, %d failed, %d skipped, %d systems, %.1f s%n",
          name,
          kit.count(Result.PASSED),
          kit.count(Result.FAILED),
          kit.count(Result.SKIPPED),
          kit.systems().size(),
          (System.nanoTime() - start) / 1e9);
    }
    rules(kits);
    systems(kits);
    faults();
  }

  private void rules(Map<String, Kit> kits) {
    out.printf("%nRules%n");
    Kit.rules()
        .forEach(
            (rule, tests) -> {
              StringBuilder line = new StringBuilder(String.format("%-5s", rule));
              kits.forEach((name, kit) -> line.append(counts(name, kit, tests)));
              out.println(line);
            });
    kits.forEach(
        (name, kit) -> kit.outcomes().forEach((test, outcome) -> tell(name, test, outcome)));
  }

  private static String counts(String name, Kit kit, List<String> tests) {
    int[] counts = new int[Result.values().length];
    tests.forEach(test -> counts[kit.outcomes().get(test).result().ordinal()]++);
    String text = String.format("  %s %d passed", name, counts[0]);
    for (Result result : List.of(Result.FAILED, Result.SKIPPED)) {
      int count = counts[result.ordinal()];
      text += count == 0 ? "" : " " + count + " " + result;
    }
    return text;
  }

  private void systems(Map<String, Kit> kits) throws IOException {
    Map<String, Outcome> changed = new TreeMap<>();
    BackendConformance reference =
        new BackendConformance() {
          @Override
          public Backend backend() {
            return new ReferenceBackend();
          }
        };
    for (PublishedSystem system : Systems.all()) {
      changed.put(system.id(), Kit.changed(system, reference));
    }
    SystemsPage table = new SystemsPage(changed, kits);
    out.printf("%nSystems%n");
    table.lines().forEach(out::println);
    boolean judged = kits.containsKey("reference");
    for (PublishedSystem system : Systems.all()) {
      failed |= judged && !table.expressed(system);
      kits.forEach((name, kit) -> tell(name, system.id(), kit.systems().get(system.id())));
    }
    if (!page.toString().isEmpty()) {
      Files.writeString(page, table.page());
      out.println("wrote " + page);
    }
  }

  private void tell(String backend, String what, Outcome outcome) {
    if (outcome.result() != Result.PASSED) {
      failed = true;
      out.printf("%s %s %s: %s%n", backend, outcome.result(), what, outcome.reason());
    }
  }

  private void faults() {
    out.printf("%nRule, fault, test that rejects it%n");
    Map<String, Method> tests = new TreeMap<>();
    Kit.tests().forEach(test -> tests.put(test.getName(), test));
    for (Faults.Fault fault : Faults.all()) {
      for (String test : fault.rejectedBy()) {
        Method method = tests.get(test);
        String rules =
            method == null
                ? "system " + test
                : String.join(" ", method.getAnnotation(Rule.class).value());
        out.printf("%s | %s | %s%n", rules, fault.name(), test);
      }
    }
  }
}
