package anabranch.flink.model;

/** Shows tests of other packages who holds engines. */
public final class Leases {
  private Leases() {}

  /** Returns how many shares in engines are held in this class loader. */
  public static int held() {
    return SharedEngine.held();
  }
}
