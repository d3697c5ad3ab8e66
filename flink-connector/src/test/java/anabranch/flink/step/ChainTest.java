package anabranch.flink.step;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ChainTest {
  private static final class Number extends Chain.Link<Number> {
    final int number;

    Number(int number) {
      this.number = number;
    }

    @Override
    public String toString() {
      return String.valueOf(number);
    }
  }

  /** A set of the library that keeps its order is the witness. */
  @Test
  void whatIsAddedAndTakenOutAnywhereKeepsItsOrder() {
    Chain<Number> chain = new Chain<>();
    LinkedHashSet<Number> witness = new LinkedHashSet<>();
    List<Number> all = new ArrayList<>();
    for (int n = 0; n < 12; n++) {
      all.add(new Number(n));
    }
    SplittableRandom random = new SplittableRandom(3);
    for (int step = 0; step < 2000; step++) {
      Number one = all.get(random.nextInt(all.size()));
      if (random.nextBoolean()) {
        chain.add(one);
        witness.add(one);
      } else {
        chain.remove(one);
        witness.remove(one);
      }
      List<Number> found = new ArrayList<>();
      chain.forEach(found::add);
      assertEquals(List.copyOf(witness), found);
      assertEquals(witness.isEmpty(), chain.isEmpty());
      assertEquals(witness.isEmpty() ? null : witness.iterator().next(), chain.first());
    }
  }

  @Test
  void nothingIsInTwoChains() {
    Chain<Number> one = new Chain<>();
    Number number = new Number(1);
    one.add(number);
    assertThrows(IllegalStateException.class, () -> new Chain<Number>().add(number));
    new Chain<Number>().remove(number);
    assertEquals(number, one.first());
    var rest = one.iterator();
    rest.next();
    assertThrows(NoSuchElementException.class, rest::next);
  }
}
