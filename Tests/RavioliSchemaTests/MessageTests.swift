import RavioliSchema
import Testing

