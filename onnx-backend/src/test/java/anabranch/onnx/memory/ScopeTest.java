package anabranch.onnx.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;

/** What a block lends is lent again. */
class ScopeTest {
  @Test
  void whoTakesAlikeIsGivenTheSameBuffersInTheSameOrder() {
    BufferPool pool = new BufferPool(1 << 20);
    FloatBuffer first;
    FloatBuffer second;
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
}
