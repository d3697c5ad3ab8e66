package anabranch.samples.surprise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.samples.alarm.Kind;
import anabranch.samples.alarm.KindLevel;
import anabranch.samples.alarm.Oddness;
import anabranch.samples.alarm.Verdict;
import anabranch.samples.kinds.Oddity;
import anabranch.samples.text.TextSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The bundled text, whose odd lines are labelled, as the program reads it without arguments. */
class OddLinesTest {
  private static final Path WEIGHTS = Path.of("models/surprise.safetensors");
  private static final List<String> KINDS = List.of("java", "kt", "xml", "md", "txt", "log");
  private static final double MOST_FALSE_ALARMS = 0.02;
  private static final double MOST_FALSE_ALARMS_OF_A_KIND = 0.05;
  private static final double LEAST_FOUND = 0.9;

  /** A scored line and what was decided about it. */
  private record Judged(LineScore line, Verdict verdict) {
    String place() {
      return line.source() + ":" + line.number();
    }

    String kind() {
      return Kind.of(line.source());
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%n  %s %.2f  %s",
          place(),
          Oddness.of(line.bits(), line.bytes()),
          line.shown(96));
    }
  }

  private static final List<Judged> JUDGED = new ArrayList<>();
  private static final Alarms ALARMS = new Alarms();
  private static Map<String, OddLabel> labels = Map.of();

  @BeforeAll
  static void scoreTheBundledText() throws Exception {
    labels =
        OddLabel.all().stream().collect(Collectors.toMap(OddLabel::place, Function.identity()));
    SurpriseJob.run(
        TextSource.of(Surprise.BUNDLED),
        SurpriseJob.recipe("onnx", WEIGHTS),
        line -> {
          Verdict verdict = ALARMS.judge(line);
          if (line.bytes() > 0) {
            JUDGED.add(new Judged(line, verdict));
          }
        });
    System.out.print(ALARMS.report(0));
  }

  @Test
  void eachLabelPointsToItsLine() throws IOException {
    Map<String, List<byte[]>> files = new TreeMap<>();
    for (OddLabel label : OddLabel.all()) {
      if (!files.containsKey(label.file())) {
        files.put(label.file(), OddLabel.lines(OddLabel.FOLDER.resolve(label.file())));
      }
      List<String> hashes = files.get(label.file()).stream().map(OddLabel::hash).toList();
      assertTrue(label.line() <= hashes.size(), label + " points behind the file's end");
      assertEquals(
          label.hash(),
          hashes.get((int) label.line() - 1),
          label + " points to another line; its own is now line " + lineOf(label, hashes));
    }
  }

  private static int lineOf(OddLabel label, List<String> hashes) {
    return hashes.indexOf(label.hash()) + 1;
  }

  @Test
  void thereAreOddLinesOfEverySortInEveryKind() {
    assertTrue(labels.size() >= 40, "labels " + labels.size());
    for (String kind : KINDS) {
      Set<Oddity> sorts =
          labels.values().stream()
              .filter(label -> Kind.of(label.file()).equals(kind))
              .map(OddLabel::oddity)
              .collect(Collectors.toCollection(TreeSet::new));
      assertEquals(Set.of(Oddity.values()), sorts, kind);
    }
  }

  @Test
  void everyKindHasALevelBeforeItsFirstOddLine() {
    List<String> withLevel =
        ALARMS.levels().byKind().stream()
            .filter(kind -> kind.level().isPresent())
            .map(KindLevel::kind)
            .toList();
    assertEquals(new TreeSet<>(KINDS), new TreeSet<>(withLevel));
    List<Judged> tooEarly =
        JUDGED.stream()
            .filter(line -> labels.containsKey(line.place()))
            .filter(line -> line.verdict() == Verdict.BEFORE_LEVEL)
            .toList();
    assertEquals(List.of(), tooEarly);
  }

  @Test
  void ninetyPercentOfTheOddLinesThatAreMoreThanALetterAreFlagged() {
    List<Judged> odd =
        JUDGED.stream()
            .filter(line -> labels.containsKey(line.place()))
            .filter(line -> labels.get(line.place()).oddity() != Oddity.LETTER)
            .toList();
    List<String> missed =
        odd.stream()
            .filter(line -> line.verdict() != Verdict.ODD)
            .map(line -> line + "  (" + labels.get(line.place()).oddity().title() + ")")
            .toList();
    assertEquals(
        Arrays.stream(Oddity.values()).filter(oddity -> oddity != Oddity.LETTER).count(),
        odd.stream().map(line -> labels.get(line.place()).oddity()).distinct().count());
    assertTrue(
        odd.size() - missed.size() >= LEAST_FOUND * odd.size(),
        "missed " + missed.size() + " of " + odd.size() + ":" + missed);
  }

  @Test
  void atMostTwoPercentOfTheOtherLinesAreFlagged() {
    List<Judged> others = others();
    List<Judged> wrong = others.stream().filter(line -> line.verdict() == Verdict.ODD).toList();
    assertTrue(others.size() > 2_000, "others " + others.size());
    assertTrue(
        wrong.size() <= MOST_FALSE_ALARMS * others.size(),
        "flagged " + wrong.size() + " of " + others.size() + ":" + wrong);
  }

  @Test
  void noKindIsFlaggedMuchMoreThanTheOthers() {
    for (String kind : KINDS) {
      List<Judged> others = others().stream().filter(line -> line.kind().equals(kind)).toList();
      List<Judged> wrong = others.stream().filter(line -> line.verdict() == Verdict.ODD).toList();
      assertTrue(others.size() >= 100, kind + " has " + others.size() + " lines to be judged");
      assertTrue(
          wrong.size() <= MOST_FALSE_ALARMS_OF_A_KIND * others.size(),
          kind + ": flagged " + wrong.size() + " of " + others.size() + ":" + wrong);
    }
  }

  private static List<Judged> others() {
    return JUDGED.stream()
        .filter(line -> !labels.containsKey(line.place()))
        .filter(line -> line.verdict() != Verdict.BEFORE_LEVEL)
        .toList();
  }
}
