package anabranch.samples.flows;

/** What a flow is part of; its ordinal is the class of the model. */
public enum Kind {
  NORMAL,
  SCAN,
  FLOOD,
  BRUTE_FORCE,
  EXFILTRATION,
  BEACON
}
