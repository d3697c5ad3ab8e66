package anabranch.onnx.call;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.onnx.Models;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.rows.Role;
import anabranch.onnx.state.Layout;
import anabranch.onnx.state.OnnxState;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A call is used again, and the next one finds nothing of the last. */
class StageCallTest {
  private static final int WIDTH = 4;
  private static final OnnxState[] NO_STATES = {};

  private final BufferPool pool = new BufferPool(1 << 20);
  private final Layout layout = Layout.of(Models.causal(), "fp32", false);
  private final StageCall call =
      new StageCall(layout, pool, WIDTH, new StageCall.Received(0, "a", null, true));

  private StageRun begin(boolean trace) {
    Event[] events = {Event.ofTokens(0)};
    Rows rows = new Rows(events, new @Nullable Activations[1], new int[1], new int[1], new byte[1]);
    StageBatch batch = new StageBatch(0, List.of(new Span(null, rows)), trace);
    call.begin(0, Packing.of(batch, Role.PROJECTED), NO_STATES, trace);
    return call.run(0, 0, call.scope.rows(1, WIDTH));
  }

  @Test
  void aCallThatIsOverHoldsNothingOfItsRows() {
    StageRun run = begin(true);
    assertEquals(1, call.batch().rows);
    assertNotNull(call.choices());
    assertNotNull(call.received());
    assertNotNull(call.shown());
    call.state(0);
    call.close();
    assertSame(Packing.NOTHING, call.batch());
    assertSame(Packing.NOTHING, run.packing);
    assertNull(call.choices());
    assertNull(call.received());
    assertNull(call.shown());
    assertEquals(0, run.x().capacity());
    assertEquals(0, run.spare().capacity());
  }

  @Test
  void theNextCallHasNoBufferOfTheLast() {
    StageRun run = begin(false);
    run.normed();
    run.newLogits(1, WIDTH);
    run.newUpdate(WIDTH);
    call.close();
    long made = pool.madeBytes();
    StageRun next = begin(false);
    List<FloatBuffer> others = new ArrayList<>();
    while (pool.madeBytes() == made) {
      others.add(pool.take(WIDTH).floats());
    }
    assertNull(next.logits());
    assertThrows(AssertionError.class, next::update);
    others.forEach(other -> assertNotSame(other, next.normed()));
    call.close();
    assertNull(call.choices());
  }

  @Test
  void statesThatEndWithACallAreNotThoseOfTheNext() {
    begin(false);
    OnnxState passing = call.state(0);
    assertSame(passing, call.state(0));
    call.close();
    begin(false);
    assertNotSame(passing, call.state(0));
    call.close();
  }

  @Test
  void whatNobodyTookComesBack() {
    for (int i = 0; i < 3; i++) {
      long made = pool.madeBytes();
      StageRun run = begin(false);
      Scope own = new Scope(pool);
      FloatBuffer left = own.rows(1, WIDTH);
      call.leave(this, new StageCall.Ahead(own, left, left, left));
      call.close();
      assertEquals(0, run.x().capacity());
      if (i > 0) {
        assertEquals(made, pool.madeBytes());
      }
      assertThrows(AssertionError.class, () -> call.take(this));
    }
  }
}
