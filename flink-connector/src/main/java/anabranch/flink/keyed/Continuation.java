package anabranch.flink.keyed;

import org.apache.flink.annotation.PublicEvolving;

/** What becomes of a key whose sequence cannot simply go on. */
@PublicEvolving
public enum Continuation {
  /** The task fails. */
  FAIL,
  /** Its records go aside until its sequence ends or expires. */
  ASIDE,
  /** Its sequence is forgotten, and a new one begins with the next record that can be read. */
  RESTART
}
