import { describeQueue } from "./contract.ts";
import { BACKENDS } from "./harness.ts";

describeQueue(BACKENDS);
