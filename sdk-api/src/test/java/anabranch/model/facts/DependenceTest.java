package anabranch.model.facts;

import static anabranch.model.facts.FactSpecs.CAUSAL;
import static anabranch.model.facts.FactSpecs.EXPERTS;
import static anabranch.model.facts.FactSpecs.FULL;
import static anabranch.model.facts.FactSpecs.MLP;
import static anabranch.model.facts.FactSpecs.NGRAMS;
import static anabranch.model.facts.FactSpecs.PLAIN;
import static anabranch.model.facts.FactSpecs.exit;
import static anabranch.model.facts.FactSpecs.spec;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.model.Exit;
import anabranch.model.Head;
import org.junit.jupiter.api.Test;

class DependenceTest {
  @Test
  void modelDependsOnTheMostThatAnyPartDoes() {
    Head.Pool each = Head.Pool.EACH;
    assertEquals(Dependence.TOKEN, Dependence.of(spec(PLAIN, each, MLP, EXPERTS)));
    assertEquals(Dependence.PREFIX, Dependence.of(spec(NGRAMS, each, MLP)));
    assertEquals(Dependence.PREFIX, Dependence.of(spec(PLAIN, each, CAUSAL, MLP)));
    assertEquals(Dependence.SEQUENCE, Dependence.of(spec(PLAIN, each, CAUSAL, FULL, MLP)));
    assertEquals(Dependence.SEQUENCE, Dependence.of(spec(NGRAMS, each, FULL)));
    Exit exit = exit("a", each, Exit.Bypass.TERMINATE);
    assertEquals(Dependence.TOKEN, Dependence.of(spec(PLAIN, each, MLP, exit, MLP)));
  }

  @Test
  void pooledHeadReadsTheWholeEvent() {
    for (Head.Pool pool : Head.Pool.values()) {
      Dependence expected = pool == Head.Pool.EACH ? Dependence.TOKEN : Dependence.SEQUENCE;
      assertEquals(expected, Dependence.of(spec(PLAIN, pool, MLP)));
    }
  }

  @Test
  void greaterOfTwoIsTheLaterOfTheOrder() {
    Dependence[] order = {
      Dependence.TOKEN, Dependence.PREFIX, Dependence.SEQUENCE, Dependence.BATCH, Dependence.STREAM
    };
    for (int i = 0; i < order.length; i++) {
      for (int j = 0; j < order.length; j++) {
        assertEquals(order[Math.max(i, j)], order[i].or(order[j]));
      }
    }
  }

  @Test
  void groupingFollowsFromDependence() {
    assertEquals(Grouping.ROW, Grouping.of(Dependence.TOKEN));
    assertEquals(Grouping.PREFIX, Grouping.of(Dependence.PREFIX));
    assertEquals(Grouping.WHOLE, Grouping.of(Dependence.SEQUENCE));
    assertEquals(Grouping.WHOLE, Grouping.of(Dependence.BATCH));
    assertEquals(Grouping.WHOLE, Grouping.of(Dependence.STREAM));
  }
}
