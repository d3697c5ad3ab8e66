package anabranch.conformance.system.bank;

import anabranch.conformance.system.PublishedSystem;
import java.util.List;

/** Systems of whole models. Stateless. */
public final class BankSystems {
  private BankSystems() {}

  /** Returns the systems. */
  public static List<PublishedSystem> all() {
    return List.of(ModelMixture.system(), Retrieval.system(), Switching.system());
  }
}
