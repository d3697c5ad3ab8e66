package anabranch.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.WeightsException;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Parameter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FitTest {
  private static final ModelSpec SPEC = RandomWeightsTest.SPEC;

  @Test
  void missingTensorsAreNamedWithTheirShape() {
    List<Tensor> tensors = fitting();
    tensors.removeIf(tensor -> tensor.name().startsWith("head."));
    assertRefused(tensors, "2 missing: \"head.weight\" [500, 48], \"head.bias\" [500]");
  }

  @Test
  void misshapenTensorsAreNamedWithBothShapes() {
    List<Tensor> tensors = fitting();
    tensors.replaceAll(
        tensor ->
            tensor.name().equals("head.bias")
                ? MemoryWeights.tensor("head.bias", List.of(2), 1, 2)
                : tensor);
    assertRefused(tensors, "1 of another shape: \"head.bias\" [2] instead of [500]");
  }

  @Test
  void transposedMatrixIsMisshapen() {
    List<Tensor> tensors = fitting();
    tensors.replaceAll(
        tensor ->
            tensor.name().equals("head.weight")
                ? new Tensor("head.weight", DType.F32, List.of(48, 500), tensor.bytes())
                : tensor);
    assertRefused(tensors, "1 of another shape: \"head.weight\" [48, 500] instead of [500, 48]");
  }

  @Test
  void surplusTensorsAreNamed() {
    List<Tensor> tensors = fitting();
    tensors.add(MemoryWeights.tensor("z.extra", List.of(1), 1));
    tensors.add(MemoryWeights.tensor("a.extra", List.of(1), 1));
    assertRefused(tensors, "2 without a place in the description: \"a.extra\", \"z.extra\"");
  }

  @Test
  void everyKindIsReportedAtOnceAndLongListsAreCut() {
    List<Tensor> tensors = new ArrayList<>();
    tensors.add(MemoryWeights.tensor("head.bias", List.of(1), 1));
    tensors.add(MemoryWeights.tensor("extra", List.of(1), 1));
    String message = refusal(tensors);
    assertTrue(message.startsWith("weights do not fit model \"tiny\": 6 missing: "), message);
    assertTrue(message.contains(" and 1 more; 1 of another shape: "), message);
    assertTrue(
        message.endsWith("; 1 without a place in the description: \"extra\" (rule E2)"), message);
    Parameter sixth = SPEC.parameters().get(5);
    assertEquals("head.weight", sixth.name());
    assertFalse(message.contains("\"head.weight\""), message);
  }

  @Test
  void typeDoesNotMatterForTheFit() {
    List<Tensor> tensors = fitting();
    tensors.replaceAll(
        tensor ->
            new Tensor(
                tensor.name(),
                DType.BF16,
                tensor.shape(),
                tensor.bytes().slice(0, tensor.bytes().remaining() / 2)));
    MemoryWeights.of(tensors).requireFit(SPEC);
  }

  private static List<Tensor> fitting() {
    try (Weights weights = Weights.random(SPEC, 1)) {
      return new ArrayList<>(weights.names().stream().map(weights::tensor).toList());
    }
  }

  private static void assertRefused(List<Tensor> tensors, String words) {
    assertEquals("weights do not fit model \"tiny\": " + words + " (rule E2)", refusal(tensors));
  }

  private static String refusal(List<Tensor> tensors) {
    Weights weights = MemoryWeights.of(tensors);
    return assertThrows(WeightsException.class, () -> weights.requireFit(SPEC)).getMessage();
  }
}
