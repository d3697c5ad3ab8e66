package anabranch.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.onnx.session.Target;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlacementTest {
  @Test
  void nobodyLooksForADeviceThatNobodyAskedFor() {
    Placement placement =
        Placement.of(
            Device.cpu(),
            number -> {
              throw new AssertionError("asked for device " + number);
            });
    assertEquals(new Placement(Target.cpu(), "cpu", List.of(), List.of()), placement);
  }

  @Test
  void onlyTheDeviceThatIsWantedIsLookedAt() {
    List<Integer> asked = new ArrayList<>();
    Placement placement =
        Placement.of(
            Device.cuda(3).required(),
            number -> {
              asked.add(number);
              return null;
            });
    assertEquals(List.of(3), asked);
    assertEquals(new Placement(new Target(3, false), "cuda:3", List.of(), List.of()), placement);
  }

  @Test
  void aStrictDeviceLeavesNoOperatorToTheCpu() {
    assertTrue(Placement.of(Device.cuda(0).strict(), number -> null).target().strict());
    assertFalse(Placement.of(Device.cuda(0).preferred(), number -> null).target().strict());
  }

  @Test
  void aDeviceThatMustBeThereIsRefusedWithTheReason() {
    for (Device device : List.of(Device.cuda(1).required(), Device.cuda(1).strict())) {
      Placement placement = Placement.of(device, number -> "no driver");
      assertEquals("onnx.device", placement.refused().get(0).field());
      assertEquals("cuda:1: no driver", placement.refused().get(0).reason());
    }
  }

  @Test
  void aDeviceThatIsOnlyPreferredIsReplacedAloud() {
    Placement placement = Placement.of(Device.cuda(1).preferred(), number -> "no driver");
    assertEquals(List.of(), placement.refused());
    assertEquals("cpu", placement.device());
    assertTrue(placement.target().isCpu());
    assertEquals(
        List.of("runs on the CPU, because cuda:1 cannot be used: no driver"), placement.notes());
  }
}
