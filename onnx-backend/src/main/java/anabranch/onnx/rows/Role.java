package anabranch.onnx.rows;

/** What a row does in some run of layers. */
public enum Role {
  /** It runs. */
  LIVE,
  /** Its vector stays, and later rows read keys made from it; recurrences take it. */
  PROJECTED,
  /** It shows the keys that it showed before; recurrences pass over it. */
  SHARED,
  /** Nobody sees it. */
  ABSENT
}
