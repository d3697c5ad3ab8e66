package anabranch.conformance.system;

import anabranch.conformance.system.bank.BankSystems;
import anabranch.conformance.system.stored.DerivedSystems;
import anabranch.conformance.system.stored.FactoredSystems;
import anabranch.conformance.system.stored.SharedSystems;
import java.util.ArrayList;
import java.util.List;

/** The published systems that the language expresses. Stateless. */
public final class Systems {
  private Systems() {}

  /** Returns the systems, by their rows in the table. */
  public static List<PublishedSystem> all() {
    List<PublishedSystem> all = new ArrayList<>();
    all.addAll(RoutedSystems.all());
    all.addAll(DrawnSystems.all());
    all.addAll(SkippingSystems.all());
    all.addAll(LeavingSystems.all());
    all.addAll(PlannedSystems.all());
    all.addAll(LoopedSystems.all());
    all.addAll(StreamedSystems.all());
    all.addAll(MemorySystems.all());
    all.addAll(DynamicSystems.all());
    all.addAll(AttendingSystems.all());
    all.addAll(SharedSystems.all());
    all.addAll(FactoredSystems.all());
    all.addAll(DerivedSystems.all());
    all.addAll(BankSystems.all());
    all.sort((a, b) -> a.id().compareTo(b.id()));
    return List.copyOf(all);
  }
}
