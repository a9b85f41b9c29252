import { runService } from '../../shared/runtime/service.ts';
import { startProducer } from './producer.ts';

await runService('producer', startProducer);
