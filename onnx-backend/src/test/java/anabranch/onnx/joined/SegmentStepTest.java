package anabranch.onnx.joined;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Visit;
import anabranch.onnx.Models;
import anabranch.onnx.call.StageCall;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.graph.BlockGraphs;
import anabranch.onnx.graph.CoreShape;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.graph.Step;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.rows.Role;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.onnx.state.Layout;
import anabranch.onnx.state.OnnxState;
import anabranch.onnx.step.StepLoader;
import anabranch.weights.Weights;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SegmentStepTest {
  /** Values of which one row has more than the largest buffer. */
  private static final CoreShape TOO_LARGE =
      new CoreShape(1, 1, 4, 1 << 29, true, true, false, 1, false, null);

  @Test
  void queriesAndKeysComeBackWhereThereIsNoRoomForValues() {
    ModelSpec spec = Models.causal();
    try (Weights weights = Weights.random(spec, 1)) {
      Opener opener = new Opener(weights, NativeRuntime.get(1), Session.CPU, 1);
      StepLoader loader = new StepLoader(spec, opener, MemberGraphs.Form.FUSED);
      CoreStep reader = new CoreStep(loader.core(attend(spec)), 1);
      Ports.Front front = new Ports.Front(TOO_LARGE, null, reader);
      Ports ports = new Ports(true, 0, true, false, 0, List.of(), front);
      Graph graph = new Graph("twice");
      String x = graph.input("x", -1, spec.width());
      graph.output("h", graph.node("Add", Map.of(), x, x), -1, spec.width());
      SegmentStep step = new SegmentStep(ports, opener.open(graph));
      opener.await();
      BufferPool pool = new BufferPool(1 << 20);
      fails(step, spec, pool);
      long made = pool.madeBytes();
      fails(step, spec, pool);
      assertEquals(made, pool.madeBytes());
      opener.opened().forEach(Session::close);
    }
  }

  private static void fails(SegmentStep step, ModelSpec spec, BufferPool pool) {
    Event[] events = {Event.ofTokens(0)};
    Rows rows = new Rows(events, new @Nullable Activations[1], new int[1], new int[1], new byte[1]);
    StageBatch batch = new StageBatch(0, List.of(new Span(null, rows)), false);
    Layout layout = Layout.of(spec, "fp32", false);
    try (StageCall call = new StageCall(layout, pool, spec.width(), null)) {
      call.begin(0, Packing.of(batch, Role.PROJECTED), new OnnxState[0], false);
      StageRun run = call.run(0, 0, call.scope.rows(1, spec.width()));
      IllegalStateException thrown =
          assertThrows(IllegalStateException.class, () -> step.take(run));
      assertEquals(
          "a buffer of 2147483648 bytes exceeds 1 GiB: run fewer rows together",
          thrown.getMessage());
    }
  }

  private static Step.Attend attend(ModelSpec spec) {
    Visit.Member block = Cut.of(spec).stages().get(0).visits().get(0).blocks().get(0);
    return BlockGraphs.of(spec.width(), block.path(), block.block().sublayers()).stream()
        .filter(Step.Attend.class::isInstance)
        .map(Step.Attend.class::cast)
        .findFirst()
        .orElseThrow();
  }
}
