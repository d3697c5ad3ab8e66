package anabranch.samples.surprise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.LoadOptions;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.weights.Safetensors;
import anabranch.weights.Weights;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The sample's weights under the sample's policy, against bits and exits that a program of its own,
 * in double precision and without this SDK, computed from the weights as they were trained.
 */
class GoldenTest {
  private static final double BITS = 2e-3;

  private record Golden(byte[] line, double fullBits, double bits, String exits) {}

  @ParameterizedTest
  @ValueSource(strings = {"onnx", "reference"})
  void bitsAndExitsAreThoseOfTheTrainedModel(String backend) throws IOException {
    List<Golden> all = golden();
    List<Golden> lines = backend.equals("reference") ? all.subList(0, 4) : all;
    try (Weights weights = Safetensors.open(Path.of("models/surprise.safetensors"));
        Engine engine =
            Engine.open(
                Backends.named(backend)
                    .load(SurpriseModel.getSurpriseModel(), weights, LoadOptions.defaults()),
                SurpriseModel.getSurprisePolicy())) {
      for (Golden golden : lines) {
        Item item = Item.of("line", Windows.of(golden.line).get(0));
        Inference served = engine.infer(item);
        String text = new String(golden.line, StandardCharsets.UTF_8);
        assertEquals(golden.exits, exits(served), text);
        assertEquals(golden.bits, bits(served, golden.line), BITS, text);
        Inference full = engine.infer(item.withPolicy(Policy.fullDepth()));
        assertEquals(golden.fullBits, bits(full, golden.line), BITS, text);
      }
    }
  }

  private static String exits(Inference answer) {
    StringBuilder exits = new StringBuilder();
    for (int unit = 0; unit < answer.units(); unit++) {
      exits.append(answer.exit(unit));
    }
    return exits.toString();
  }

  private static double bits(Inference answer, byte[] line) {
    double bits = 0;
    for (int unit = 0; unit < answer.units(); unit++) {
      bits += Bits.of(answer, unit, line[unit] & 0xff);
    }
    return bits;
  }

  private static List<Golden> golden() throws IOException {
    try (InputStream in = GoldenTest.class.getResourceAsStream("golden.tsv")) {
      List<Golden> golden = new ArrayList<>();
      for (String row : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
        if (!row.startsWith("#")) {
          String[] cells = row.split("\t");
          golden.add(
              new Golden(
                  cells[0].translateEscapes().getBytes(StandardCharsets.UTF_8),
                  Double.parseDouble(cells[1]),
                  Double.parseDouble(cells[2]),
                  cells[3]));
        }
      }
      assertTrue(golden.size() > 10, "rows " + golden.size());
      return golden;
    }
  }
}
