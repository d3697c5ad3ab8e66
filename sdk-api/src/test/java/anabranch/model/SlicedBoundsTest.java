package anabranch.model;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import anabranch.model.layer.Activation;
import anabranch.model.layer.Mixture;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import org.junit.jupiter.api.Test;

class SlicedBoundsTest {
  @Test
  void slicedNetworksHaveSlicesThatEveryRowPicksForItself() {
    Mixture.Sliced plain = sliced(4, 3, Routers.mohd(1, 2));
    assertEquals(4, plain.members());
    assertEquals(12, plain.inner());
    assertFalse(plain.mixes());
    assertEquals(Routers.olmoe(1), plain.with(Routers.olmoe(1)).router());
    assertRefused("sliced.slices 0 is not in 1..65536", () -> sliced(0, 3, Routers.olmoe(1)));
    assertRefused("sliced.length 0 is not in 1..1073741823", () -> sliced(2, 0, Routers.olmoe(1)));
    assertRefused("router.k 5 is not in 1..4", () -> sliced(4, 3, Routers.mohd(2, 3)));
    assertRefused(
        "sliced.router.source PROMPT_MEAN is for skips: a network keeps no decision",
        () -> sliced(4, 3, Routers.mindSkip(.5)));
    assertRefused(
        "sliced.router.placement INPUT is not OUTPUT", () -> sliced(4, 3, Routers.llama4(1)));
  }

  private static Mixture.Sliced sliced(int slices, int length, Router router) {
    return new Mixture.Sliced(
        slices, length, Activation.SILU, false, router, Mixture.Sliced.Scaling.SUM, null);
  }
}
