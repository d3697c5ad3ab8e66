package anabranch.onnx.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a block lends is lent again. */
class ScopeTest {
  @Test
  void whoTakesAlikeIsGivenTheSameBuffersInTheSameOrder() {
    BufferPool pool = new BufferPool(1 << 20);
    FloatBuffer first;
    FloatBuffer second;
    try (Scope scope = new Scope(pool)) {
      assertNotSame(scope.rows(2, 16), scope.rows(2, 16));
    }
    try (Scope scope = new Scope(pool)) {
      first = scope.rows(2, 16);
      second = scope.rows(2, 16);
      assertNotSame(first, second);
    }
    long made = pool.madeBytes();
    for (int call = 0; call < 3; call++) {
      try (Scope scope = new Scope(pool)) {
        assertSame(first, scope.rows(2, 16));
        assertSame(second, scope.rows(2, 16));
      }
    }
    assertEquals(made, pool.madeBytes());
  }

  @Test
  void theBufferMadeFirstComesFirstInWhicheverOrderTheyComeBack() {
    BufferPool pool = new BufferPool(1 << 20);
    List<Lent> made = List.of(pool.take(16), pool.take(16), pool.take(16));
    for (int[] order :
        new int[][] {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}) {
      for (int each : order) {
        pool.give(made.get(each));
      }
      List<Lent> taken = List.of(pool.take(16), pool.take(16), pool.take(16));
      for (int i = 0; i < order.length; i++) {
        assertSame(made.get(i), taken.get(i));
      }
    }
  }

  @Test
  void whatIsHandedOverStaysTakenWhenItsBlockEnds() {
    BufferPool pool = new BufferPool(1 << 20);
    Lent kept;
    FloatBuffer other;
    try (Scope scope = new Scope(pool)) {
      FloatBuffer first = scope.rows(2, 16);
      other = scope.rows(2, 16);
      kept = scope.handOver(first);
      assertSame(first, kept.floats());
      assertThrows(AssertionError.class, () -> scope.handOver(first));
    }
    try (Scope scope = new Scope(pool)) {
      assertSame(other, scope.rows(2, 16));
      assertNotSame(kept.floats(), scope.rows(2, 16));
    }
    pool.give(kept);
    try (Scope scope = new Scope(pool)) {
      assertSame(kept.floats(), scope.rows(2, 16));
    }
  }

  @Test
  void buffersBeginWithALineOfTheCaches() {
    for (int bytes = 4; bytes < 40_000; bytes = 2 * bytes + 4) {
      ByteBuffer buffer = BufferPool.lines(bytes);
      assertEquals(0, buffer.alignmentOffset(0, 64));
      assertEquals(bytes, buffer.capacity());
    }
    assertEquals(3, BufferPool.direct(3).capacity());
  }
}
