package anabranch.model.facts;

import anabranch.model.Embedding;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Operation;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Head;
import anabranch.model.route.Router;
import anabranch.model.route.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the rows of one stage need of each other and of their sequence.
 *
 * @param grouping what must be together in one call
 * @param mixes whether rows read other rows
 * @param keepsState whether anything of the sequence is read or left
 */
record Needs(Grouping grouping, boolean mixes, boolean keepsState) {
  /**
   * Returns the needs of a stage.
   *
   * @param shares whether rows show keys that an earlier attention made, here or in another stage
   */
  static Needs of(List<Visit> visits, @Nullable Embedding embedding, Point point, boolean shares) {
    List<Operation> operations = new ArrayList<>();
    for (Visit visit : visits) {
      visit.blocks().forEach(member -> operations.addAll(member.block().operations()));
    }
    Head head = point.head();
    List<Operation> body =
        head == null || head.body() == null ? List.of() : head.body().operations();
    boolean full = any(operations, Attention.Mask.FULL);
    boolean ngrams = embedding != null && embedding.ngrams() != null;
    boolean recurs =
        Stream.concat(operations.stream(), body.stream()).anyMatch(o -> o.remembers() > 0);
    boolean earlier = any(operations, Attention.Mask.CAUSAL) || recurs || ngrams;
    List<Router> routers = routers(operations);
    boolean whole =
        full
            || routers.stream().anyMatch(Router::needsWholeEvent)
            || point instanceof Point.AtPrune
            || point.pool().ofItem() && readsRows(point);
    boolean sticky = routers.stream().anyMatch(router -> router.source() == Source.PROMPT_MEAN);
    boolean memory = any(operations, Attention.Mask.MEMORY) || readsMemory(point);
    boolean attends = full || any(operations, Attention.Mask.CAUSAL);
    return new Needs(
        whole ? Grouping.WHOLE : earlier ? Grouping.PREFIX : Grouping.ROW,
        operations.stream().anyMatch(Operation::mixes) || recurs,
        memory || attends && shares || !full && (earlier || sticky));
  }

  private static boolean any(List<Operation> operations, Attention.Mask mask) {
    return operations.stream().anyMatch(o -> o instanceof Attention a && a.mask() == mask);
  }

  private static boolean readsMemory(Point point) {
    return point instanceof Point.AtChoice at && at.choice().from() == DepthChoice.From.MEMORY;
  }

  private static boolean readsRows(Point point) {
    return !readsMemory(point);
  }

  /** Returns the routers of some operations, in order. */
  static List<Router> routers(List<Operation> operations) {
    List<Router> routers = new ArrayList<>();
    for (Operation operation : operations) {
      Router router = operation.router();
      if (router != null) {
        routers.add(router);
      }
    }
    return routers;
  }
}
