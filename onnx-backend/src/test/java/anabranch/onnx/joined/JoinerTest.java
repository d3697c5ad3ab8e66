package anabranch.onnx.joined;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Visit;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.onnx.step.StepLoader;
import anabranch.weights.Weights;
import java.util.List;
import org.junit.jupiter.api.Test;

class JoinerTest {
  private static final int WIDTH = 4;

  @Test
  void graphsEndBeforeTheyHoldTooMuch() {
    Block block =
        Block.of(Sublayer.preNorm(new Norm.Rms(1e-5), FeedForward.plain(6, Activation.RELU)));
    ModelSpec spec =
        new ModelSpec(
            "networks",
            WIDTH,
            new Input.Tokens(3, 8),
            Embedding.plain(),
            Plan.of(block, block, block, block),
            new Head(Head.Pool.EACH, null, 2, false));
    long each = 4L * (WIDTH + 2 * 6 * WIDTH);
    assertEquals(1, graphs(spec, 4 * each));
    assertEquals(2, graphs(spec, 4 * each - 1));
    assertEquals(2, graphs(spec, 2 * each));
    assertEquals(4, graphs(spec, 0));
  }

  /** What hangs on a graph stays outside if it would make it too large: router, then experts. */
  @Test
  void expertsThatWouldMakeAGraphTooLargeAreOneOfTheirOwn() {
    Mixture mixture =
        new Mixture(3, FeedForward.plain(6, Activation.RELU), Routers.mixtral(2), true);
    ModelSpec spec =
        new ModelSpec(
            "mixture",
            WIDTH,
            new Input.Tokens(3, 8),
            Embedding.plain(),
            Plan.of(Block.of(Sublayer.preNorm(new Norm.Rms(1e-5), mixture))),
            new Head(Head.Pool.EACH, null, 2, false));
    long whole = 4L * (WIDTH + 3 * WIDTH + 3 * 2 * 6 * WIDTH);
    assertEquals(1, graphs(spec, whole));
    assertEquals(2, graphs(spec, whole - 1));
  }

  /** Each of these matrices lies outside, whatever its numbers are. */
  @Test
  void whatLiesOutsideOfAMessageDoesNotEndAGraph() {
    int width = 512;
    Mixture mixture = new Mixture(2, FeedForward.plain(width, Activation.RELU), Routers.mixtral(1));
    Sublayer layer = Sublayer.preNorm(new Norm.Rms(1e-5), mixture);
    ModelSpec spec =
        new ModelSpec(
            "large",
            width,
            new Input.Tokens(3, 8),
            Embedding.plain(),
            Plan.of(Block.of(layer), Block.of(layer)),
            new Head(Head.Pool.EACH, null, 2, false));
    long held = 2 * 4L * (width + 2 * width);
    assertEquals(1, graphs(spec, held));
    assertEquals(2, graphs(spec, held - 1));
  }

  private static int graphs(ModelSpec spec, long most) {
    try (Weights weights = Weights.random(spec, 1)) {
      Opener opener = new Opener(weights, NativeRuntime.get(1), Session.CPU, 1);
      List<Visit.Member> blocks =
          Cut.of(spec).stages().get(0).visits().stream().flatMap(v -> v.blocks().stream()).toList();
      StepLoader loader = new StepLoader(spec, opener, MemberGraphs.Form.FUSED);
      new Joiner(spec.width(), opener, loader, most).load(blocks);
      opener.await();
      opener.opened().forEach(Session::close);
      return opener.opened().size();
    }
  }
}
