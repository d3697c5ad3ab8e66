package anabranch.samples.surprise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.engine.Policy;
import anabranch.samples.picture.Run;
import anabranch.samples.text.Line;
import anabranch.samples.text.TextSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SweepTest {
  private static final Path WEIGHTS = Path.of("models/surprise.safetensors");
  private static final Policy POLICY = SurpriseModel.getSurprisePolicy();

  @Test
  void theCurveGoesFromConservativeToBoldThroughThePolicyOfTheRun() throws Exception {
    List<LineScore> scores = new ArrayList<>();
    SurpriseJob.run(
        TextSource.of(List.of("text/odd/Orders.java")),
        SurpriseJob.recipe("onnx", WEIGHTS),
        score -> {
          if (score.bytes() > 0 && scores.size() < 30) {
            scores.add(score);
          }
        });
    List<Line> lines =
        scores.stream().map(s -> new Line(s.source(), s.number(), s.text())).toList();
    Run.Curve curve = Sweep.of("onnx", WEIGHTS, POLICY, lines, Duration.ofMinutes(5));

    assertEquals(lines.size(), curve.lines());
    assertEquals(Sweep.SHIFTS, curve.points().stream().map(Run.Point::shift).toList());
    Run.Point careful = curve.points().get(0);
    Run.Point bold = curve.points().get(curve.points().size() - 1);
    assertTrue(careful.flops() > bold.flops(), careful + " and " + bold);
    assertTrue(careful.agreement().sameBytes() >= bold.agreement().sameBytes());
    assertTrue(careful.agreement().closeLines() > bold.agreement().closeLines());
    Run.Point own = curve.points().get(Sweep.SHIFTS.indexOf(0.0));
    assertEquals(scores.stream().mapToLong(LineScore::blocksRun).sum(), own.blocksRun());
    assertEquals(scores.stream().mapToLong(LineScore::flops).sum(), own.flops());
    assertEquals(scores.stream().mapToDouble(LineScore::bits).sum(), own.bits(), 0.05);
    assertEquals(curve.bytes(), own.agreement().bytes());
  }

  @Test
  void withoutTimeNoLineRuns() throws Exception {
    List<Line> lines = List.of(new Line("a", 1, new byte[] {'a'}));
    Run.Curve curve = Sweep.of("onnx", WEIGHTS, POLICY, lines, Duration.ZERO);
    assertEquals(0, curve.lines());
    assertEquals(List.of(), curve.points());
  }

  @Test
  void aShiftMovesEachThresholdOnTheScaleOfItsLogit() {
    Policy half = Policy.named("half").with("early", 0.5).with("middle", 0.8);
    assertEquals(half, Sweep.shifted(half, 0));
    Policy shifted = Sweep.shifted(half, Math.log(3));
    assertEquals(0.75, shifted.thresholds().get("early"), 1e-12);
    assertEquals(12.0 / 13, shifted.thresholds().get("middle"), 1e-12);
  }
}
