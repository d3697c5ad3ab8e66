package anabranch.model.plan;

import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import anabranch.model.layer.Block;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * In which order blocks run and where units may leave; the end of the plan is the last exit and
 * always fires.
 *
 * @param blocks the blocks, numbered from 0; their weights are stored once, however often they run
 * @param parts what runs; ends with blocks, no two exits adjoin
 * @param alternatives other orders of the same blocks, by name, each under the same rules; parts of
 *     one id are the same in all of them
 * @param chosen the alternative that runs; null for {@code parts}
 */
public record Plan(
    List<Block> blocks,
    List<Part> parts,
    Map<String, List<Part>> alternatives,
    @Nullable String chosen) {
  private static final int MOST_RUNS = 1 << 16;

  /** Copies the lists and checks them. */
  public Plan {
    blocks = List.copyOf(blocks);
    Bounds.atLeast("plan.blocks.size", blocks.size(), 1);
    parts = List.copyOf(parts);
    check(parts, blocks.size());
    Map<String, List<Part>> copies = new TreeMap<>();
    for (Map.Entry<String, List<Part>> alternative : alternatives.entrySet()) {
      Bounds.name("plan.alternatives", alternative.getKey());
      copies.put(alternative.getKey(), List.copyOf(alternative.getValue()));
      check(alternative.getValue(), blocks.size());
    }
    alternatives = Map.copyOf(copies);
    Bounds.require(
        chosen == null || alternatives.containsKey(chosen),
        "plan.chosen \"" + chosen + "\" is not one of " + copies.keySet());
    Map<String, Part> known = new LinkedHashMap<>();
    for (Part part : everywhere(parts, copies)) {
      String id = idOf(part);
      Part before = id == null ? null : known.put(id, part);
      Bounds.require(
          before == null || before.equals(part),
          "plan.alternatives part \"" + id + "\" is not the same in every order",
          "I9");
    }
  }

  /** Returns a plan of these blocks, one after the other. */
  public static Plan of(Block... blocks) {
    Builder builder = new Builder();
    List.of(blocks).forEach(builder::add);
    return builder.build();
  }

  /** Returns a plan of these blocks, one after the other. */
  public static Plan of(List<Block> blocks) {
    return of(blocks.toArray(Block[]::new));
  }

  /** Returns what collects blocks and parts in their order. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns this plan with another order of the same blocks under a name. */
  public Plan with(String name, List<Part> order) {
    Map<String, List<Part>> more = new LinkedHashMap<>(alternatives);
    more.put(name, order);
    return new Plan(blocks, parts, more, chosen);
  }

  /**
   * Returns this plan, to be run in the order of that name; its weights are the same.
   *
   * @throws DescriptionException naming the orders there are
   */
  public Plan choose(String name) {
    return new Plan(blocks, parts, alternatives, name);
  }

  /** Returns what runs: the parts, or the alternative that was chosen. */
  public List<Part> order() {
    return chosen == null ? parts : alternatives.getOrDefault(chosen, parts);
  }

  /** Returns every part that has weights of its own, in whatever order it stands, once. */
  public List<Part> owners() {
    Map<String, Part> owners = new LinkedHashMap<>();
    for (Part part : everywhere(parts, new TreeMap<>(alternatives))) {
      String id = idOf(part);
      if (id != null) {
        owners.put(id, part);
      }
    }
    return List.copyOf(owners.values());
  }

  /** Returns the ids of all parts that have one, in whatever order they stand. */
  public List<String> ids() {
    List<String> ids = new ArrayList<>();
    for (Part part : owners()) {
      String id = idOf(part);
      if (id != null) {
        ids.add(id);
      }
    }
    return List.copyOf(ids);
  }

  private static List<Part> everywhere(List<Part> parts, Map<String, List<Part>> alternatives) {
    List<Part> all = new ArrayList<>(parts);
    alternatives.values().forEach(all::addAll);
    return all;
  }

  private static @Nullable String idOf(Part part) {
    if (part instanceof Exit exit) {
      return exit.id();
    } else if (part instanceof Prune prune) {
      return prune.id();
    } else if (part instanceof DepthChoice choice) {
      return choice.id();
    } else if (part instanceof Loop loop && loop.until() != null) {
      return loop.until().id();
    }
    return null;
  }

  /** Returns the exits in order, without the end. */
  public List<Exit> exits() {
    return all(Exit.class);
  }

  /** Returns the parts of one kind, in order. */
  public <T extends Part> List<T> all(Class<T> kind) {
    return order().stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** Returns how many blocks run before the exit with this id, loops to their last time. */
  public int depthOf(String exit) {
    int depth = 0;
    for (Part part : order()) {
      if (part instanceof Exit found && found.id().equals(exit)) {
        return depth;
      }
      depth += runs(part);
    }
    throw new DescriptionException(
        "exit \"" + exit + "\" is not one of " + exits().stream().map(Exit::id).toList());
  }

  /**
   * Returns how many depths a choice has: the exits that obey it, up to the next choice, and the
   * end.
   *
   * @throws DescriptionException if orders disagree about it, or none has the choice
   */
  public int depthsOf(String choice) {
    int depths = -1;
    List<List<Part>> orders = new ArrayList<>(alternatives.values());
    orders.add(0, parts);
    for (List<Part> each : orders) {
      int here = depthsOf(choice, each);
      Bounds.require(
          here < 0 || depths < 0 || here == depths,
          "choice \"" + choice + "\" has " + here + " depths in one order, " + depths + " before",
          "I9");
      depths = Math.max(depths, here);
    }
    Bounds.require(depths > 0, "choice \"" + choice + "\" is not in this plan");
    return depths;
  }

  private static int depthsOf(String choice, List<Part> order) {
    int depths = -1;
    for (Part part : order) {
      if (part instanceof DepthChoice found) {
        if (depths > 0) {
          return depths;
        }
        depths = found.id().equals(choice) ? 1 : -1;
      } else if (depths > 0
          && part instanceof Exit exit
          && exit.criterion().score() == Criterion.Score.CHOSEN) {
        depths++;
      }
    }
    return depths;
  }

  /** Returns how many blocks run in all, loops to their last time. */
  public int depth() {
    return order().stream().mapToInt(Plan::runs).sum();
  }

  /** Returns how many blocks a part runs at most. */
  static int runs(Part part) {
    if (part instanceof Part.Run) {
      return 1;
    } else if (part instanceof Part.Mean mean) {
      return mean.blocks().size();
    } else if (part instanceof Loop loop) {
      return loop.times() * loop.body().stream().mapToInt(Plan::runs).sum();
    }
    return 0;
  }

  private static void check(List<Part> parts, int blocks) {
    List<String> ids = new ArrayList<>();
    long depth = 0;
    long lastExit = 0;
    long whole = 0;
    for (Part part : parts) {
      numbers(part, each -> Bounds.within("plan.parts block", each, 0, blocks - 1));
      whole += runs(part);
    }
    Bounds.require(whole >= 1, "plan.parts run no block");
    Bounds.require(whole <= MOST_RUNS, "plan.parts run " + whole + " blocks, at most " + MOST_RUNS);
    for (Part part : parts) {
      depth += runs(part);
      String id = idOf(part);
      if (id != null) {
        ids.add(id);
      }
      if (part instanceof Exit) {
        Bounds.within("exit \"" + id + "\" depth", (int) depth, 1, (int) whole - 1);
        Bounds.require(
            depth != lastExit, "exit \"" + id + "\" depth " + depth + " already has an exit");
        lastExit = depth;
      } else if (part instanceof Prune) {
        Bounds.within("prune \"" + id + "\" depth", (int) depth, 1, (int) whole - 1);
      } else if (part instanceof DepthChoice) {
        Bounds.within("choice \"" + id + "\" depth", (int) depth, 0, (int) whole - 1);
      }
    }
    Bounds.distinct("exit.id", ids);
    checkChosen(parts);
  }

  /** Exits that obey a choice have one before them, and a choice has exits that obey. */
  private static void checkChosen(List<Part> parts) {
    String open = null;
    boolean obeyed = true;
    for (Part part : parts) {
      if (part instanceof DepthChoice choice) {
        Bounds.require(
            obeyed,
            "choice \"" + open + "\" has no exit CHOSEN between it and the next choice",
            "X7");
        open = choice.id();
        obeyed = false;
      } else if (part instanceof Exit exit && exit.criterion().score() == Criterion.Score.CHOSEN) {
        Bounds.require(
            open != null,
            "exit \"" + exit.id() + "\" criterion CHOSEN has no choice before it",
            "X7");
        obeyed = true;
      }
    }
    Bounds.require(obeyed, "choice \"" + open + "\" has no exit CHOSEN behind it", "X7");
  }

  private static void numbers(Part part, Consumer<Integer> into) {
    if (part instanceof Part.Run run) {
      into.accept(run.block());
    } else if (part instanceof Part.Mean mean) {
      mean.blocks().forEach(into);
    } else if (part instanceof Loop loop) {
      loop.body().forEach(each -> numbers(each, into));
    }
  }

  /** Collects a plan. Confined to one thread. */
  public static final class Builder {
    private final List<Block> blocks = new ArrayList<>();
    private final List<Part> parts = new ArrayList<>();

    private Builder() {}

    /** Adds a block that runs here. */
    public Builder add(Block block) {
      parts.add(new Part.Run(blocks.size()));
      blocks.add(block);
      return this;
    }

    /** Adds a part; blocks that it names must have been or still be added. */
    public Builder add(Part part) {
      parts.add(part);
      return this;
    }

    /** Adds a block that runs only where a part names it, and returns its number. */
    public int store(Block block) {
      blocks.add(block);
      return blocks.size() - 1;
    }

    /**
     * Returns the plan.
     *
     * @throws DescriptionException if it breaks a rule
     */
    public Plan build() {
      return new Plan(blocks, parts, Map.of(), null);
    }
  }
}
